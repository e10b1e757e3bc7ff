import { CredentialsProvider } from 'mcp-credential-vault'
import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'

const { SERVICE_ORIGIN = 'https://jira.example.com' } = process.env

export default (server, vault) => {
  const jira = new CredentialsProvider({
    vault,
    name: 'jira',
    variables: { pat: { label: 'Personal access token', type: 'password' } },
    destinations: [{ origin: SERVICE_ORIGIN, header: { scheme: 'Bearer', field: 'pat' } }],
  })
  const requireCredentials = credentialGate(server)
  server.registerTool(
    'who_am_i',
    { description: 'Says who you are in Jira.' },
    requireCredentials(jira, { tool: 'who_am_i' }, async (extra) => {
      const answer = await jira.getCredentials(extra).fetch(`${SERVICE_ORIGIN}/rest/api/2/myself`)
      if (!answer.ok) throw new Error(`Jira answered ${answer.status}: ${await answer.text()}`)
      return { content: [{ type: 'text', text: await answer.text() }] }
    }),
  )
}
