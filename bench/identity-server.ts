/** The identity provider of a measured server. Its library keeps async hooks on, which would slow every promise of the measured process. */
import { browserClient, startIdentityProvider } from '../test/harness/identity/identity-provider.ts'

/** What this process is told first. */
export interface IdentityRequest {
  readonly baseUrl: string
  readonly users: readonly string[]
}

/** What it answers. */
export interface IdentityReady {
  readonly issuer: string
  readonly users: readonly { readonly name: string; readonly token: string }[]
}

process.once('message', (request: IdentityRequest) => void serve(request))
process.on('disconnect', () => process.exit(0))

async function serve({ baseUrl, users }: IdentityRequest): Promise<void> {
  const provider = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
    users: users.map((account) => ({ account, name: account })),
  })
  const signed = users.map(async (name) => ({
    name,
    token: await provider.issueAccessToken(name, { expiresIn: 7200 }),
  }))
  process.send?.({ issuer: provider.issuer, users: await Promise.all(signed) } satisfies IdentityReady)
}
