import { credentialGate } from '../../../src/mcp/sdk-v2/index.ts'
import type { ToolsModule } from '../../../src/server/tools-module.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

type Define = Extract<ToolsModule, { readonly sdk: 'v2' }>['define']

/** Tools of `start` that are written for SDK 2.x. */
export const sdk = 'v2'

const defineTools: Define = (server, vault) => {
  const jira = new CredentialsProvider({
    vault,
    name: 'jira',
    variables: { pat: { label: 'Token', type: 'password' } },
  })
  const requireCredentials = credentialGate(server)
  server.registerTool(
    'length',
    {},
    requireCredentials(jira, async (extra) => {
      const text = await jira.getCredentials(extra).use(({ pat }) => String(pat.length))
      return { content: [{ type: 'text', text }] }
    }),
  )
}

export default defineTools
