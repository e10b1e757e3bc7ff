import { expect, onTestFinished, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import type { OffboardedEvent, VaultEventName } from '../../src/index.ts'
import { type AdminHarness, breakable, startAdminHarness } from '../harness/admin-api.ts'
import { fillIn, linkIn, startHarness } from '../harness/mcp-harness.ts'

const NAMES: readonly VaultEventName[] = [
  'saved',
  'rotated',
  'rejected',
  'reinstated',
  'expiring',
  'revoked',
  'offboarded',
]
const SECRET = 'tok-alice-90f1c3'

test('listeners hear what happens to credentials, without a secret, and nothing waits for them', async () => {
  const warnings: string[] = []
  const harness = await startHarness({
    warn: (message) => void warnings.push(message),
    jira: { verify: async () => ({ ok: true, expiresAt: new Date(Date.now() + 86_400_000) }) },
    tools(server, gate, { jira }) {
      server.registerTool(
        'look',
        {},
        gate(jira, async (extra) => {
          await jira.getCredentials(extra).use(() => undefined)
          return { content: [{ type: 'text', text: 'looked' }] }
        }),
      )
      server.registerTool(
        'act',
        {},
        gate(jira, { retry: false }, async (extra) => {
          const handle = jira.getCredentials(extra)
          await handle.use(() => undefined)
          await handle.reject({ status: 401 })
          return { content: [{ type: 'text', text: 'done' }] }
        }),
      )
    },
  })
  onTestFinished(() => harness.close())
  const heard: [VaultEventName, object][] = []
  for (const name of NAMES) harness.vault.events.on(name, (event) => void heard.push([name, event]))
  harness.vault.events.on('saved', () => {
    throw new Error(`broken listener ${SECRET}`)
  })
  harness.vault.events.on('rejected', () => new Promise(() => undefined))
  const stop = harness.vault.events.on('revoked', () => void heard.push(['saved', { never: true }]))
  stop()

  const alice = await harness.connect('alice')
  await fillIn(linkIn((await alice.text('act')).text), 'alice', { pat: SECRET })
  expect((await alice.text('look')).text).toContain('looked')
  expect((await alice.text('act')).text).toContain('done')
  await harness.jira.invalidateCredentials(harness.owner('alice'))
  await harness.jira.invalidateCredentials(harness.owner('alice'))

  const about = { owner: harness.owner('alice'), provider: 'jira', correlationId: expect.any(String) }
  expect(heard.map(([name]) => name)).toEqual(['saved', 'expiring', 'rejected', 'revoked'])
  for (const [, event] of heard) expect(event).toMatchObject(about)
  expect(heard[1]?.[1]).toMatchObject({ expiresAt: expect.any(Date) })
  expect(JSON.stringify(heard)).not.toContain(SECRET)
  const told = warnings.filter((text) => text.includes('listener'))
  expect(told).toEqual([expect.stringMatching(/^A listener of the event saved failed \(correlation id/)])
})

const offboardings: Readonly<Record<string, (harness: AdminHarness) => Promise<unknown>>> = {
  'the admin API': (harness) => harness.admin('POST', 'offboard', { body: harness.owner('alice') }),
  SCIM: (harness) => harness.scim('POST', 'Users', { body: { externalId: 'alice', active: false } }),
  'vault.offboard': (harness) => harness.vault.offboard(harness.owner('alice')),
}

test.each(Object.keys(offboardings))(
  'an offboarding through %s is heard: who, how many, and what is left',
  async (way) => {
    const down = () => new CredentialVaultError('unavailable', `The backend is down: ${SECRET}`)
    const { backend, mend } = breakable(memoryBackend(), 'gitlab', down)
    const harness = await startAdminHarness({ backend })
    onTestFinished(() => harness.close())
    const heard: OffboardedEvent[] = []
    harness.vault.events.on('offboarded', (event) => void heard.push(event))
    await harness.store('jira', 'alice', { pat: SECRET })
    await harness.store('gitlab', 'alice', { pat: SECRET })
    await harness.store('jira', 'bob', { pat: SECRET })

    await harness.vault.offboard(harness.owner('alice'), { dryRun: true })
    expect(heard).toEqual([])
    await offboardings[way]?.(harness)
    mend()
    await offboardings[way]?.(harness)

    const lines = harness.audit.events.filter(({ type }) => type === 'admin.offboarded')
    const of = (at: number) => ({ owner: harness.owner('alice'), correlationId: lines[at]?.correlationId })
    expect(heard).toEqual([
      { ...of(0), revoked: 1, left: [{ what: 'credential', provider: 'gitlab', error: 'unavailable' }] },
      { ...of(1), revoked: 1, left: [] },
    ])
    expect(lines.map(({ outcome, actor }) => [outcome, actor?.kind])).toEqual([
      ['failure', 'operator'],
      ['success', 'operator'],
    ])
    expect(JSON.stringify(heard)).not.toContain(SECRET)
  },
)

test('vault.offboard refuses an owner that no token could name', async () => {
  const harness = await startAdminHarness()
  onTestFinished(() => harness.close())
  await expect(harness.vault.offboard({ issuer: '', subject: 'alice' })).rejects.toMatchObject({
    code: 'owner_unknown',
  })
  expect(harness.audit.events).toEqual([])
})
