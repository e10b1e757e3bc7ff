import { credentialGate } from '../../../src/mcp/sdk-v1/index.ts'
import type { DefineTools } from '../../../src/server/tools-module.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

/** Tools of `start` for tests of its end. */
const defineTools: DefineTools = (server, vault) => {
  const jira = new CredentialsProvider({
    vault,
    name: 'jira',
    variables: { pat: { label: 'Token', type: 'password' } },
  })
  const requireCredentials = credentialGate(server)
  server.registerTool(
    'read_secret',
    {},
    requireCredentials(jira, { tool: 'read_secret' }, async (extra) => {
      const length = await jira.getCredentials(extra).use(({ pat }) => String(pat).length)
      return { content: [{ type: 'text', text: `a secret of ${length} characters` }] }
    }),
  )
  // It ends only with its process.
  server.registerTool('hang', {}, () => new Promise(() => void setInterval(() => {}, 1_000)))
}
export default defineTools
