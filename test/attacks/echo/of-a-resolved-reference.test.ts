import { expect, test } from 'vitest'
import type { CredentialHandle } from '../../../src/core/credentials/credential-handle.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { jiraVariables, startHarness } from '../../harness/mcp-harness.ts'

const GITLAB_SECRET = 'glpat-77aa3f9d2c71e8b0'

test("a reference resolved inside another provider's call: the answer is searched for its secret, and the handle ends with the call", async () => {
  let reference = ''
  let late: CredentialHandle<typeof jiraVariables> | undefined
  const harness = await startHarness({
    tools(server, gate, { jira, vault }) {
      const gitlab = new CredentialsProvider({
        vault,
        name: 'gitlab',
        variables: jiraVariables,
        referenceTtlSeconds: 600,
      })
      server.registerTool(
        'keep',
        {},
        gate(gitlab, async (extra: ToolExtra) => {
          reference = gitlab.getCredentials(extra).reference
          return { content: [] }
        }),
      )
      server.registerTool(
        'leak',
        {},
        gate(jira, async (extra: ToolExtra) => {
          const handle = gitlab.resolve(reference, harness.owner('alice'), extra)
          late = handle
          return { content: [{ type: 'text', text: await handle.use(({ pat }) => `it is ${pat}`) }] }
        }),
      )
      server.registerTool(
        'foreign',
        {},
        gate(jira, async (extra: ToolExtra) => {
          gitlab.resolve(reference, harness.owner('alice'), extra)
          return { content: [] }
        }),
      )
    },
  })
  try {
    for (const user of ['alice', 'bob']) {
      await put(harness.backend, storageKey('jira', harness.owner(user)), { pat: `jira-token-of-${user}` })
      await put(harness.backend, storageKey('gitlab', harness.owner(user)), { pat: GITLAB_SECRET })
    }
    const alice = await harness.connect('alice')
    await alice.call('keep')
    const { text } = await alice.text('leak')
    expect(text).toContain('was withheld')
    expect(text).not.toContain(GITLAB_SECRET)
    await expect(late?.use(() => 'used')).rejects.toMatchObject({ code: 'call_ended' })
    const lines = harness.audit.events.filter(
      ({ type, provider }) => type === 'credential.resolved' && provider === 'gitlab',
    )
    expect(lines).toMatchObject([{ owner: harness.owner('alice'), clientName: 'Test Client' }])

    const bob = await harness.connect('bob')
    expect((await bob.text('foreign')).text).toMatch(/reference/i)
  } finally {
    await harness.close()
  }
})
