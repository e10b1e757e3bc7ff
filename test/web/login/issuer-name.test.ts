import { expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

async function texts(server: FormServer): Promise<readonly string[]> {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  const first = await alice.get(link.entry)
  const leaving = await alice.post('/credentials/login', { provider: 'jira', t: link.request.handle })
  await alice.signIn('alice', link)
  const form = await alice.get(link.entry)
  const account = /<dt>You are signed in as<\/dt>\s*<dd>Alice<span class="note">([^<]+)<\/span>/.exec(form.text)?.[1]
  return [/>(Sign in with [^<]+)</.exec(first.text)?.[1] ?? '', headingOf(leaving.text), account ?? '']
}

test.each([
  ['Acme Login', 'Acme Login'],
  [undefined, /^127\.0\.0\.1:\d+$/],
])('an identity provider whose displayName is %s has one name on every page', async (displayName, name) => {
  const server = await startFormServer({ oidc: { displayName } })
  try {
    const [button, heading, account] = await texts(server)
    const shown = [
      button?.replace('Sign in with ', ''),
      heading?.replace('Going to ', ''),
      account?.replace('alice at ', ''),
    ]
    for (const one of shown) expect(one).toMatch(name)
  } finally {
    await server.close()
  }
})
