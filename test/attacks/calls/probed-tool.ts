import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll } from 'vitest'
import type { CredentialHandle } from '../../../src/core/credentials/credential-handle.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { type Harness, type jiraVariables, startHarness, type TestClient } from '../../harness/mcp-harness.ts'

export const SECRET = 'tok-3f9d2c71e8b04a56'

export interface Probe {
  readonly handle: CredentialHandle<typeof jiraVariables>
  readonly extra: ToolExtra
}

type Work = (probe: Probe) => Promise<CallToolResult> | CallToolResult

/**
 * A server with one gated tool, for all tests of a file, whose user has a credential. `run` lets the tool do `work` in one call, and
 * resolves to everything that its client got, as JSON.
 */
export function probedTool(): { run(work: Work): Promise<string> } {
  let work: Work
  let harness: Harness
  let client: TestClient
  const seen: unknown[] = []
  beforeAll(async () => {
    harness = await startHarness({
      tools(server, gate, { jira }) {
        server.server.registerCapabilities({ logging: {} })
        const probe = gate(jira, async (extra: ToolExtra) => {
          const handle = jira.getCredentials(extra) as Probe['handle']
          return work({ handle, extra })
        })
        server.registerTool('probe', {}, probe)
      },
    })
    await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: SECRET })
    client = await harness.connect('alice')
    client.client.fallbackNotificationHandler = async (notification) => void seen.push(notification)
  })
  afterAll(() => harness.close())
  return {
    async run(next) {
      work = next
      const answer = await client.call('probe').catch((error: unknown) => String(error))
      return JSON.stringify([...seen.splice(0), answer])
    },
  }
}

export const said = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] })
