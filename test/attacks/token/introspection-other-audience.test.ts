import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OpaqueTokens, OTHER_RESOURCE, startOpaqueTokens } from '../../harness/identity/opaque-tokens.ts'
import { refusal } from '../../harness/identity/opened-identity.ts'

let under: OpaqueTokens
beforeAll(async () => {
  under = await startOpaqueTokens()
})
afterAll(() => under.provider.close())

test('an active opaque token that the same issuer gave out for another service does not open this one', async () => {
  const token = await under.issue('alice', OTHER_RESOURCE)
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'audience',
  })
  expect(await under.identity.verifyToken(await under.issue('alice'))).toMatchObject({ subject: 'alice' })
})
