import type { PendingStore } from '../../src/core/ports/pending-store.ts'
import { credentialGate, type ToolExtra, type ToolHandler } from '../../src/mcp/sdk-v1/index.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import type { DefineTools } from '../../src/server/tools-module.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'

const variables = { pat: { label: 'Personal access token', type: 'password' } } as const

/** A module of tools as an operator gives it to both tiers. */
export const tierTools: DefineTools = (server, vault) => {
  const jira = new CredentialsProvider({ vault, name: 'jira', variables, accounts: ['work'] })
  const gate = credentialGate(server)
  const read: ToolHandler<[ToolExtra]> = async (extra) => ({
    content: [
      {
        type: 'text',
        text: await jira.getCredentials(extra).use(({ pat }) => `a secret of ${pat.length} characters`),
      },
    ],
  })
  server.registerTool('read_secret', {}, gate(jira, read))
  server.registerTool('read_secret_of_work', {}, gate(jira, { account: 'work' }, read))
  server.registerTool(
    'reject_secret',
    {},
    gate(jira, async (extra) => {
      const credentials = jira.getCredentials(extra)
      await credentials.use(() => undefined)
      await credentials.reject({ status: 401 })
      return { content: [{ type: 'text', text: 'rejected' }] }
    }),
  )
}

/** One store in the test's process, in place of one that processes share. */
export function sharedPendingStore(): PendingStore {
  return { ...memoryPendingStore(), shared: true, shutdown: async () => undefined }
}

// For `start MODULE`.
export default tierTools
