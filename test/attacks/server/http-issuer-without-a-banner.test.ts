import { expect, test } from 'vitest'
import { startFormServer } from '../../harness/browser/form-server.ts'
import { openIdentity, startFormProvider } from '../../harness/identity/opened-identity.ts'

// docs: anything weaker is named `dangerously…`, warns at the start, and is seen on the pages by those whom it concerns.
test('the pages of a server whose identity provider may be http say so', async () => {
  const provider = await startFormProvider()
  const identity = await openIdentity({
    issuer: provider.issuer,
    clientId: 'credential-form',
    dangerouslyAllowHttpIssuer: true,
  })
  const server = await startFormServer({ identity: () => identity })
  try {
    const link = await server.ask('alice')
    const { text } = await server.send({ path: link.entry })
    expect(identity.warnings.join()).toContain('dangerouslyAllowHttpIssuer')
    expect(text).toContain('class="banner"')
  } finally {
    await server.close()
    await provider.close()
  }
})
