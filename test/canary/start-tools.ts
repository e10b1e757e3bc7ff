import { credentialGate, type ToolExtra } from '../../src/mcp/sdk-v1/index.ts'
import type { DefineTools } from '../../src/server/tools-module.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { canaryVariables } from './variables.ts'

/** Tools of the runnable server: one that uses the secrets well, and one that throws them. */
const defineTools: DefineTools = (server, vault) => {
  const canary = new CredentialsProvider({ vault, name: 'canary', variables: canaryVariables })
  const gate = credentialGate(server)
  const uses = gate(canary, async (extra: ToolExtra) => {
    const count = await canary.getCredentials(extra).use((values) => Object.keys(values).length)
    return { content: [{ type: 'text', text: `${count} values` }] }
  })
  const throws = gate(canary, async (extra: ToolExtra) =>
    canary.getCredentials(extra).use((values) => {
      throw new Error(Object.values(values).join(' '))
    }),
  )
  server.registerTool('probe', {}, uses)
  server.registerTool('throws', {}, throws)
}

export default defineTools
