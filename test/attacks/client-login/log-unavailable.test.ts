import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { loggedIn, requestTokens, startClientLogin } from '../../harness/client-login.ts'

// Audited or refused: who can stop the log must not get tokens without a line.
test.each(['client.token_requested', 'client.token_issued'])(
  'without the line %s no token is given out',
  async (type) => {
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
    expect([status, body]).toEqual([503, { error: 'temporarily_unavailable', error_description: 'Try again later.' }])
    expect(harness.provider.requestsFor('/token') - asked).toBe(type === 'client.token_requested' ? 0 : 1)
  },
)
