import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { put } from '../../src/testing/secret-backend/calls.ts'
import { bearer, PAT, startService } from '../harness/http-service.ts'
import { fillIn, linkIn, startHarness } from '../harness/mcp-harness.ts'

const BACKENDS: readonly [string, () => SecretBackend][] = [
  ['memory', () => memoryBackend()],
  [
    'sealed file',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'spoilt-'))
      onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
      return sealedFile({ folder: join(folder, 'data'), key: generateKeyText() })
    },
  ],
]

/** As an operator's own tool may leave a value. */
const SPOILT = [
  ['a line end', `${PAT}\n`],
  ['U+200B', `${PAT}\u200b`],
  ['nothing', ''],
] as const

async function started(backend: SecretBackend) {
  const service = await startService()
  onTestFinished(service.close)
  const harness = await startHarness({
    backend,
    jira: { destinations: [{ origin: service.origin, header: bearer }] },
    tools: (server, gate, { jira }) => {
      const answer = (text: string) => ({ content: [{ type: 'text' as const, text }] })
      server.registerTool(
        'bound',
        {},
        gate(jira, async (extra) => answer(await (await jira.getCredentials(extra).fetch('/rest')).text())),
      )
      server.registerTool(
        'used',
        {},
        gate(jira, async (extra) => {
          const work = ({ pat }: Readonly<Record<string, string>>) =>
            fetch(service.origin, { headers: { authorization: `Bearer ${pat}` } })
          return answer(await (await jira.getCredentials(extra).use(work)).text())
        }),
      )
    },
  })
  onTestFinished(() => harness.close())
  return harness
}

test.each(BACKENDS.flatMap(([name, make]) => SPOILT.map(([what, pat]) => [what, name, pat, make] as const)))(
  'F2: a value with %s in the backend (%s) gets the link that mends it, not the blame of the server',
  async (_, __, pat, make) => {
    const harness = await started(make())
    await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat })
    const alice = await harness.connect('alice')
    const refused = await alice.text('bound')
    expect(refused.isError).toBe(true)
    expect(refused.text).toContain('incomplete or damaged')
    expect(refused.text).not.toMatch(/marker|problem on this server/)
    await fillIn(linkIn(refused.text), 'alice', { pat: PAT })
    expect(await alice.text('bound')).toEqual({ text: 'ok', isError: false })
  },
)

test('F2: a line end that no single line has is found before use() gives it out', async () => {
  const harness = await started(memoryBackend())
  await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: `${PAT}\n` })
  const refused = await (await harness.connect('alice')).text('used')
  expect(refused.text).toContain('incomplete or damaged')
  expect(linkIn(refused.text)).not.toBe('')
})

test('F2: what a backend itself finds malformed gets the link too', async () => {
  const backend = memoryBackend()
  const harness = await started({
    ...backend,
    read: async () => {
      throw new CredentialVaultError('credential_malformed', 'It is no JSON object.', { reason: 'not_json' })
    },
  })
  await put(backend, storageKey('jira', harness.owner('alice')), { pat: PAT })
  const refused = await (await harness.connect('alice')).text('used')
  expect(refused.text).toContain('incomplete or damaged')
  expect(linkIn(refused.text)).not.toBe('')
})
