import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { openRawClient, type RawClient, rpc } from '../../harness/proxy/raw-client.ts'
import { type StdioProxy, startStdioProxy } from '../../harness/proxy/stdio-proxy.ts'
import { ECHO_SERVER, isRunning, processesWith } from '../../proxy/children/fixture.ts'

/** CHURN_TIMES=500 for as many as the proxy is promised to survive. */
const TIMES = Number(process.env['CHURN_TIMES'] ?? 40)
const AT_ONCE = 4

/** What may happen to a session and its child. */
const FATES: readonly ((client: RawClient, pid: number) => Promise<unknown>)[] = [
  (client) => client.send({ method: 'DELETE' }),
  async (client, pid) => {
    process.kill(pid, 'SIGKILL')
    await client.send({ method: 'DELETE' })
  },
  async (client) => {
    await client.send({ body: rpc(2, 'stray') })
    await client.send({ body: rpc(3, 'exit', { code: 1 }) })
  },
  async (client) => {
    await client.send({ body: rpc(2, 'ignoreTerm') })
    await client.send({ method: 'DELETE' })
  },
  // It has gone in the middle of a call.
  (client) =>
    client.send({ body: rpc(2, 'later', { milliseconds: 3_600_000 }), signal: AbortSignal.timeout(50) }).catch(String),
  // It has gone without a word.
  async () => undefined,
]

test(`${TIMES} connects and disconnects with kills at random leave no child, no file and no session`, async () => {
  const token = `glpat-${randomUUID()}`
  const proxy = await startStdioProxy({
    upstream: { command: [process.execPath, ECHO_SERVER], maxSessionsPerOwner: 1000 },
    proxy: { children: { max: 50, maxPerOwner: 50, idleSeconds: 1 } },
  })
  try {
    const sessions: { readonly client: RawClient; readonly pid: number }[] = []
    let given = 0

    async function work(): Promise<void> {
      while (given < TIMES) {
        given += 1
        const at = given
        // After crashes, a person's next start waits: here, each crash is another person's.
        const user = `person${at}`
        await keep(proxy, user, token)
        const client = await openRawClient(proxy.url, await proxy.harness.identityProvider.issueAccessToken(user))
        const { text } = await client.send({ body: rpc(1, 'surroundings') })
        const pid = Number(/"pid":(\d+)/.exec(text)?.[1] ?? 0)
        expect(pid).toBeGreaterThan(0)
        sessions.push({ client, pid })
        if (at % 25 === 0) killWatchdog(proxy)
        await FATES[Math.floor(Math.random() * FATES.length)]?.(client, pid)
      }
    }

    await Promise.all(Array.from({ length: AT_ONCE }, work))
    expect(sessions).toHaveLength(TIMES)
    await expect.poll(() => sessions.filter(({ pid }) => isRunning(pid)).length).toBe(0)
    await expect.poll(() => processesWith(token)).toEqual([])
    await expect.poll(() => proxy.remains()).toEqual([])
    await expect
      .poll(() => proxy.harness.audit.events.filter(({ type }) => type === 'child.ended').length)
      .toBe(proxy.harness.audit.events.filter(({ type }) => type === 'child.started').length)
    const ended = proxy.harness.audit.events.filter(({ type }) => type === 'child.ended').map(({ reason }) => reason)
    console.log(`${sessions.length} sessions of ${TIMES}; children ended: ${JSON.stringify(countsOf(ended))}`)
    // Those that have gone without a word end when they are idle; here, at once.
    const deleted = () => Promise.all(sessions.map(({ client }) => client.send({ method: 'DELETE' })))
    await deleted()
    expect((await deleted()).filter(({ status }) => status !== 404)).toEqual([])
    expect(proxy.remains()).toEqual([])
  } finally {
    await proxy.close()
  }
}, 1_800_000)

function countsOf(reasons: readonly (string | undefined)[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const reason of reasons) counts[String(reason)] = (counts[String(reason)] ?? 0) + 1
  return counts
}

async function keep(proxy: StdioProxy, user: string, pat: string): Promise<void> {
  const intent = { expect: 'any', audit: undefined, operationId: randomUUID() } as const
  const call = { signal: new AbortController().signal, correlationId: 'test' }
  await proxy.harness.backend.write(storageKey('gitlab', proxy.harness.owner(user)), { pat }, intent, call)
}

/** The watchdog is the shell that was told the proxy's folder. */
function killWatchdog({ folder }: StdioProxy): void {
  for (const name of readdirSync('/proc').filter((one) => /^\d+$/.test(one))) {
    const words = commandLine(name)
    if (words.includes('mcv-watchdog') && words.some((word) => word.startsWith(folder)))
      process.kill(Number(name), 'SIGKILL')
  }
}

function commandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
  } catch {
    return []
  }
}
