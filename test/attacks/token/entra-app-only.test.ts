import { expect, test } from 'vitest'
import { openIdentity, refusal, startFormProvider } from '../../harness/identity/opened-identity.ts'

// What Entra ID issues for client credentials (v2 and v1): `sub` and `oid` are the service principal's id, never the client id, there
// are `roles` and no `scp`, and `idtyp` only where somebody has configured that optional claim.
const APP_ONLY = [
  { azp: '11111111-aaaa-4bbb-8ccc-000000000001', azpacr: '1', ver: '2.0' },
  { appid: '11111111-aaaa-4bbb-8ccc-000000000001', appidacr: '1', ver: '1.0' },
]

test.each(APP_ONLY)('an app-only token of Entra without idtyp is not a person: %j', async (client) => {
  const provider = await startFormProvider()
  try {
    const identity = await openIdentity({
      issuer: provider.issuer,
      clientId: 'form',
      audience: 'api://mcp-server',
      subjectClaim: 'oid',
    })
    const servicePrincipal = '22222222-aaaa-4bbb-8ccc-000000000002'
    const token = await provider.issueAccessToken(servicePrincipal, {
      audience: 'api://mcp-server',
      claims: {
        client_id: undefined,
        scope: undefined,
        oid: servicePrincipal,
        tid: '33333333-aaaa-4bbb-8ccc-000000000003',
        roles: ['Tickets.ReadWrite.All'],
        ...client,
      },
    })
    expect(await refusal(identity.verifyToken(token), token)).toMatchObject({ reason: 'machine_token' })
  } finally {
    await provider.close()
  }
})
