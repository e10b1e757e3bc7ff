import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { type AdminHarness, startAdminHarness } from '../harness/admin-api.ts'

let harness: AdminHarness
afterEach(() => harness.close())

const CALLS = 50

const WAYS: Readonly<Record<string, () => Promise<{ readonly left: readonly unknown[] }>>> = {
  'the admin API': async () => (await harness.admin('POST', 'offboard', { body: harness.owner('alice') })).body,
  'vault.offboard': () => harness.vault.offboard(harness.owner('alice')),
}

test.each(Object.keys(WAYS))(
  'while 50 calls of an owner run, none gets a secret after %s has offboarded',
  async (way) => {
    let answeredAt = Number.POSITIVE_INFINITY
    const handedOut: number[] = []
    const refused: string[] = []
    let running = 0
    let held = 0
    let hold: Promise<void> | undefined
    let letGo = (): void => undefined
    harness = await startAdminHarness({
      // While lines of releases are held, values have been read and are not yet handed out.
      wrapAudit: (audit) => ({
        ...audit,
        async append(event) {
          // The loops of the handlers leave other work its turn.
          if (event.type === 'credential.resolved') await delay(1)
          if (event.type === 'credential.resolved' && hold) {
            held += 1
            await hold
          }
          return audit.append(event)
        },
      }),
      tools(server, gate, { jira }) {
        server.registerTool(
          'keeps_reading',
          {},
          gate(jira, { tool: 'keeps_reading' }, async (extra) => {
            running += 1
            const credentials = jira.getCredentials(extra)
            for (;;) {
              try {
                await credentials.use(() => void handedOut.push(performance.now()))
              } catch (error) {
                refused.push((error as { code: string }).code)
                return { content: [{ type: 'text', text: 'refused' }] }
              }
            }
          }),
        )
      },
    })
    await harness.store('jira', 'alice')
    const client = await harness.connect('alice')
    const calls = Array.from({ length: CALLS }, () => client.text('keeps_reading'))
    await expect.poll(() => running).toBe(CALLS)
    await expect.poll(() => handedOut.length).toBeGreaterThan(2 * CALLS)
    hold = new Promise((resolve) => {
      letGo = resolve
    })
    await expect.poll(() => held).toBe(CALLS)
    const done = await WAYS[way]?.()
    answeredAt = performance.now()
    expect(done).toMatchObject({ left: [] })
    letGo()
    await Promise.all(calls)
    expect(handedOut.filter((at) => at > answeredAt)).toEqual([])
    expect(refused).toHaveLength(CALLS)
    expect(new Set(refused)).toEqual(new Set(['credential_revoked']))
  },
)

test('what a running call has sent to its service ends with its owner', async () => {
  const { createServer } = await import('node:http')
  let asked = 0
  const service = createServer(() => {
    asked += 1
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(service.address() as { port: number }).port}`
  harness = await startAdminHarness({
    jira: { destinations: [{ origin, header: { scheme: 'Bearer', field: 'pat' } }] },
    tools(server, gate, { jira }) {
      server.registerTool(
        'hangs',
        {},
        gate(jira, async (extra) => {
          await jira.getCredentials(extra).fetch('/')
          return { content: [] }
        }),
      )
    },
  })
  await harness.store('jira', 'alice')
  const client = await harness.connect('alice')
  const call = client.text('hangs')
  await expect.poll(() => asked).toBe(1)
  await harness.admin('POST', 'offboard', { body: harness.owner('alice') })
  expect((await call).isError).toBe(true)
  service.closeAllConnections()
  service.close()
})
