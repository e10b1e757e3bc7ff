import { onTestFinished } from 'vitest'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { CredentialValues, VariablesOptions } from '../../src/core/model/variables.ts'
import type { Verify } from '../../src/vault/provider/provider-form.ts'
import { type Harness, startHarness } from './mcp-harness.ts'

/** A provider that has gained fields since its users saved theirs. Its tool `values` answers with the names of what a call is released. */
export interface ProviderThatGrew {
  readonly harness: Harness
  /** Stores what Alice had before. */
  store(values: CredentialValues): Promise<void>
  stored(): Promise<Readonly<Record<string, unknown>> | undefined>
}

const call = () => ({ signal: new AbortController().signal, correlationId: 'by-hand' })

export async function providerThatGrew(variables: VariablesOptions, verify?: Verify): Promise<ProviderThatGrew> {
  const harness = await startHarness({
    cacheSeconds: 0,
    jira: { variables, ...(verify && { verify }) },
    tools(server, gate, { jira }) {
      server.registerTool(
        'values',
        {},
        gate(jira, async (extra) => {
          const text = await jira.getCredentials(extra).use((values) => Object.keys(values).join(' '))
          return { content: [{ type: 'text', text }] }
        }),
      )
    },
  })
  onTestFinished(() => harness.close())
  const key = storageKey('jira', harness.owner('alice'))
  return {
    harness,
    async store(values) {
      const intent = { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: crypto.randomUUID() } as const
      await harness.backend.write(key, values, intent, call())
    },
    async stored() {
      const found = await harness.backend.read(key, call())
      return found.status === 'active' ? found.values : undefined
    },
  }
}
