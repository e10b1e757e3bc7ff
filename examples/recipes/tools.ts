import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { CredentialsProvider, type CredentialVault } from 'mcp-credential-vault'
import { credentialGate, type ToolExtra } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'

const { SERVICE_ORIGIN = 'https://jira.example.com' } = process.env

export default function registerTools(server: McpServer, vault: CredentialVault): void {
  const jira = new CredentialsProvider({
    vault,
    name: 'jira',
    variables: { pat: { label: 'Personal access token', type: 'password' } },
    destinations: [{ origin: SERVICE_ORIGIN, header: { scheme: 'Bearer', field: 'pat' } }],
    async verify({ pat }, signal) {
      const headers = { authorization: `Bearer ${pat}` }
      const answer = await fetch(`${SERVICE_ORIGIN}/rest/api/2/myself`, { headers, signal })
      if (answer.status === 401) return { ok: false, problem: 'Jira does not know this token.' }
      if (!answer.ok) throw new Error(`Jira answered ${answer.status}, so the token was not checked.`)
      return { ok: true }
    },
  })

  /** Every tool calls Jira through this function. After a 401 the gate discards what it throws, asks the user, and runs the tool again. */
  async function askJira(path: string, extra: ToolExtra) {
    const answer = await jira.getCredentials(extra).fetch(path)
    const text = await answer.text()
    if (!answer.ok) throw new Error(`Jira answered ${answer.status}: ${text}`)
    return { content: [{ type: 'text' as const, text }] }
  }

  const requireCredentials = credentialGate(server)
  server.registerTool(
    'who_am_i',
    { description: 'Says who you are in Jira.' },
    requireCredentials(jira, { tool: 'who_am_i' }, (extra) => askJira('/rest/api/2/myself', extra)),
  )
  server.registerTool(
    'get_issue',
    { description: 'Reads one issue as you.', inputSchema: { key: z.string().regex(/^[A-Z]+-\d+$/) } },
    requireCredentials(jira, { tool: 'get_issue' }, ({ key }, extra) => askJira(`/rest/api/2/issue/${key}`, extra)),
  )
}
