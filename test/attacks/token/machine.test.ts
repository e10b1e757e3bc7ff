import { expect, test } from 'vitest'
import { identityUnderTest, openIdentity, refusal } from '../../harness/identity/opened-identity.ts'

const under = identityUnderTest()

const MACHINES = [
  { sub: 'robot', client_id: 'robot' },
  { sub: 'robot', client_id: undefined, azp: 'robot' },
  { sub: 'robot@clients', client_id: undefined, azp: 'robot' },
  { sub: 'robot@clients', gty: 'client-credentials' },
  { sub: 'robot', client_id: 'another', azp: 'robot' },
  { sub: 'service-principal', idtyp: 'app' },
  { sub: '5f6c', client_id: 'robot', preferred_username: 'service-account-robot' },
]

test.each(MACHINES)('a token that a program got for itself does not pass as a person: %j', async (claims) => {
  const token = await under.provider.issueAccessToken('robot', { claims })
  expect(await refusal(under.identity.verifyToken(token), token)).toMatchObject({
    code: 'token_invalid',
    reason: 'machine_token',
  })
})

test('allowMachineTokens lets them in under their own subject', async () => {
  const identity = await openIdentity({ issuer: under.provider.issuer, clientId: 'form', allowMachineTokens: true })
  const token = await under.provider.issueAccessToken('robot', { clientId: 'robot' })
  expect(await identity.verifyToken(token)).toMatchObject({ subject: 'robot', clientId: 'robot' })
})
