import { credentialGate } from '../../../src/mcp/sdk-v2/index.ts'
import type { ToolsModule } from '../../../src/server/tools-module.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

const { REPLICA = '' } = process.env

export const sdk = 'v2'

/** A tool that answers with the length of its caller's token and the name of the replica. */
const defineTools: Extract<ToolsModule, { readonly sdk: 'v2' }>['define'] = (server, vault) => {
  const variables = { pat: { label: 'Personal access token', type: 'password' } } as const
  const jira = new CredentialsProvider({ vault, name: 'jira', variables })
  server.registerTool(
    'read_secret',
    {},
    credentialGate(server)(jira, async (extra) => {
      const text = await jira.getCredentials(extra).use(({ pat }) => `${pat.length} characters by ${REPLICA}`)
      return { content: [{ type: 'text', text }] }
    }),
  )
}

export default defineTools
