import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { credentialGate } from '../../../src/mcp/sdk-v1/index.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

const { SERVICE_ORIGIN = '', REPLICA = '' } = process.env

/** A tool that answers with the length of its caller's token, and a check that the service sees, with the name of the replica. */
export default function defineTools(server: McpServer, vault: CredentialVault): void {
  const jira = new CredentialsProvider({
    vault,
    name: 'jira',
    variables: { pat: { label: 'Personal access token', type: 'password' } },
    async verify({ pat }, signal) {
      const headers = { authorization: `Bearer ${pat}`, 'x-replica': REPLICA }
      const answer = await fetch(SERVICE_ORIGIN, { headers, signal })
      return answer.ok ? { ok: true } : { ok: false, problem: 'This token is not known.' }
    },
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
}
