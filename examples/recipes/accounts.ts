import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { CredentialsProvider, type CredentialVault } from 'mcp-credential-vault'
import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'

const { SERVICE_ORIGIN = 'https://forge.example.com' } = process.env

export default function registerTools(server: McpServer, vault: CredentialVault): void {
  const forge = new CredentialsProvider({
    vault,
    name: 'forge',
    accounts: ['work', 'personal'],
    variables: { pat: { label: 'Personal access token', type: 'password' } },
    destinations: [{ origin: SERVICE_ORIGIN, header: { scheme: 'Bearer', field: 'pat' } }],
  })
  const requireCredentials = credentialGate(server)

  server.registerTool(
    'who_am_i',
    {
      description: 'Says who you are at Forge.',
      inputSchema: { account: z.enum(['work', 'personal']).optional().describe('Which of your accounts') },
    },
    requireCredentials(forge, { tool: 'who_am_i', account: ({ account }) => account }, async (_args, extra) => {
      const answer = await forge.getCredentials(extra).fetch('/api/me')
      return { content: [{ type: 'text', text: await answer.text() }], isError: !answer.ok }
    }),
  )

  server.registerTool(
    'copy_profile',
    { description: 'Copies your personal profile to your work account.' },
    requireCredentials(forge, { tool: 'copy_profile', account: 'personal' }, async (extra) => {
      const source = await forge.getCredentials(extra).fetch('/api/profile')
      if (!source.ok) throw new Error(`Forge answered ${source.status}.`)
      const work = forge.getCredentials(extra, { account: 'work' })
      const copied = await work.fetch('/api/profile', { method: 'PUT', body: await source.text() })
      return { content: [{ type: 'text', text: `Forge answered ${copied.status}.` }], isError: !copied.ok }
    }),
  )
}
