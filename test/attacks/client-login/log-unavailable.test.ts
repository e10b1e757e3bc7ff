import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { loggedIn, requestTokens, startClientLogin } from '../../harness/client-login.ts'

// Audited or refused: nobody who can stop the log gets tokens without a line that says so.
async function loggingWithout(type: string) {
  const audit = memoryAudit()
  let stopped = false
  const harness = await startClientLogin({
    vault: {
      audit: {
        ...audit,
        async append(event) {
          if (stopped && event.type === type) throw new CredentialVaultError('audit_unavailable', 'The log is full.')
          return audit.append(event)
        },
      },
    },
  })
  onTestFinished(() => harness.close())
  const { grant } = await loggedIn(harness)
  const asked = harness.provider.requestsFor('/token')
  stopped = true
  const { status, body } = await requestTokens(harness, grant)
  return { status, body, asked: harness.provider.requestsFor('/token') - asked, audit }
}

test('without the line that announces it, the identity provider is not asked', async () => {
  const { status, body, asked } = await loggingWithout('client.token_requested')
  expect([status, body]).toEqual([503, { error: 'temporarily_unavailable', error_description: 'Try again later.' }])
  expect(asked).toBe(0)
})

test('once it is announced, the client gets its tokens: the provider has replaced the old ones', async () => {
  const { status, audit } = await loggingWithout('client.token_issued')
  expect(status).toBe(200)
  expect(audit.events.at(-1)).toMatchObject({ type: 'client.token_requested' })
})
