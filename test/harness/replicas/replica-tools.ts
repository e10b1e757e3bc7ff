import { createHash } from 'node:crypto'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { Verification } from '../../../src/core/ports/form-provider.ts'
import { credentialGate } from '../../../src/mcp/sdk-v1/index.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

const { SERVICE_ORIGIN = '', REPLICA = '' } = process.env

/** Tools that answer with the length and with the hash of their caller's token, and a check that the service sees, with the name of the replica. */
export default function defineTools(server: McpServer, vault: CredentialVault): void {
  const jira = new CredentialsProvider({
    vault,
    name: 'jira',
    variables: { pat: { label: 'Personal access token', type: 'password' } },
    ...(SERVICE_ORIGIN && { verify }),
  })
  const requireCredentials = credentialGate(server)
  server.registerTool(
    'read_secret',
    {},
    requireCredentials(jira, { tool: 'read_secret' }, async (extra) => {
      const text = await jira.getCredentials(extra).use(({ pat }) => `${pat.length} characters by ${REPLICA}`)
      return { content: [{ type: 'text', text }] }
    }),
  )
  server.registerTool(
    'hash_secret',
    {},
    requireCredentials(jira, { tool: 'hash_secret' }, async (extra) => {
      const text = await jira
        .getCredentials(extra)
        .use(({ pat }) => `${createHash('sha256').update(pat).digest('hex')} by ${REPLICA}`)
      return { content: [{ type: 'text', text }] }
    }),
  )
}

async function verify({ pat }: { readonly pat: string }, signal: AbortSignal): Promise<Verification> {
  const headers = { authorization: `Bearer ${pat}`, 'x-replica': REPLICA }
  const answer = await fetch(SERVICE_ORIGIN, { headers, signal })
  return answer.ok ? { ok: true } : { ok: false, problem: 'This token is not known.' }
}
