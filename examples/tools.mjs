import { CredentialsProvider } from 'mcp-credential-vault'
import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'

const { SERVICE_ORIGIN = 'https://jira.example.com' } = process.env

export default (server, vault) => {
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
  const requireCredentials = credentialGate(server)
  server.registerTool(
    'who_am_i',
    { description: 'Says who you are in Jira.' },
    requireCredentials(jira, { tool: 'who_am_i' }, async (extra) => {
      const answer = await jira.getCredentials(extra).fetch(`${SERVICE_ORIGIN}/rest/api/2/myself`)
      const text = await answer.text()
      if (!answer.ok) throw new Error(`Jira answered ${answer.status}: ${text}`)
      return { content: [{ type: 'text', text }] }
    }),
  )
}
