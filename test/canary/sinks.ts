import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { PendingKey } from '../../src/core/ports/pending-store.ts'
import { everyPrintOf, everyPrintOfError } from './printed.ts'
import type { Channel } from './trace.ts'
import type { World } from './world.ts'

/** A place where a secret must never arrive. */
export interface Sink {
  readonly name: string
  /** Everything in it since it was last read, or all of it where it is kept. */
  read(world: World): string | Uint8Array | Promise<string | Uint8Array>
  /** Leaks on purpose, for the proof that this sink is looked at. Resolves to what undoes it. */
  plant(world: World, text: string): unknown
}

const heard = (channel: Channel, plant: Sink['plant'], name: string = channel): Sink => ({
  name,
  read: ({ trace }) => trace.take(channel),
  plant,
})

const serve = ({ alice }: World, text: string) => alice.post('/planted', text)
const answer = async (world: World, text: string) => {
  world.probe = () => text
  await world.clients.plain.call('planted')
}

/** Every place that is searched after every flow. */
export const sinks: readonly Sink[] = [
  heard('stdout', (_, text) => process.stdout.write(`${text}\n`)),
  heard('stderr', (_, text) => process.stderr.write(`${text}\n`)),
  heard('console', (_, text) => console.log(text)),
  heard('warnings', (_, text) => {
    process.emitWarning(text)
    return new Promise((resolve) => setTimeout(resolve, 5))
  }),
  heard('operator warnings', ({ trace }, text) => trace.add('operator warnings', text)),
  heard('log', ({ trace }, text) => trace.add('log', text)),
  {
    name: 'metrics',
    read: async ({ telemetry, trace }) => (await telemetry.scrape()) + trace.take('metrics').toString('latin1'),
    plant: ({ trace }, text) => trace.add('metrics', text),
  },
  {
    name: 'traces',
    read: ({ telemetry }) => telemetry.takeSpans(),
    plant: ({ telemetry }, text) =>
      telemetry.options.tracerProvider?.getTracer('planted').startSpan('planted', { attributes: { text } }).end(),
  },
  { name: 'audit lines', read: ({ dataFolder }) => filesIn(join(dataFolder, 'audit')), plant: plantAuditLine },
  {
    name: 'folders',
    read: ({ root, store: { folder } }) => Buffer.concat([filesIn(root), ...(folder ? [filesIn(folder)] : [])]),
    plant({ root }, text) {
      const path = join(root, 'tmp', 'planted')
      writeFileSync(path, text, 'latin1')
      return () => unlinkSync(path)
    },
  },
  heard('pending entries', ({ inner: _, trace }, text) =>
    trace.add('pending entries', JSON.stringify(entryWith(text))),
  ),
  heard('mcp requests', ({ clients }, text) => clients.plain.client.callTool({ name: 'planted', arguments: { text } })),
  heard('mcp responses', answer),
  heard('page requests', serve),
  heard('page responses', serve),
  heard('sockets', serve, 'sent bytes'),
  { name: 'cookies', read: ({ alice, bob }) => inspect([alice.cookies, bob.cookies]), plant: plantCookie },
  {
    name: 'health',
    read: async ({ send, trace }) => {
      const { text } = await send({ path: '/health' })
      return text + trace.take('health').toString()
    },
    plant(world, text) {
      world.plantedProblems.set('backend', text)
      return () => world.plantedProblems.clear()
    },
  },
  heard('identity provider', ({ trace }, text) => trace.add('identity provider', text)),
  heard('declared destination', ({ services }, text) => post(services.bearer.origin, text)),
  heard('other destinations', ({ services }, text) => post(services.foreign.origin, text)),
  heard('command line', ({ trace }, text) => trace.add('command line', text)),
  heard('server process', ({ trace }, text) => trace.add('server process', text)),
  {
    name: 'process',
    read: () =>
      [
        inspect([process.title, process.argv, process.execArgv, process.env], { maxStringLength: null }),
        process.platform === 'linux' ? readFileSync('/proc/self/cmdline', 'latin1') : '',
      ].join('\n'),
    plant(_, text) {
      process.env['CANARY_PLANTED'] = text
      return () => delete process.env['CANARY_PLANTED']
    },
  },
  {
    name: 'objects',
    read: ({ objects }) => [...objects].map(([name, object]) => `${name}: ${everyPrintOf(object)}`).join('\n'),
    plant(world, text) {
      world.objects.set('planted', Object.defineProperty({}, 'hidden', { value: { deep: new Map([[1, text]]) } }))
      return () => world.objects.delete('planted')
    },
  },
  {
    name: 'errors',
    read: ({ errors }) =>
      errors
        .splice(0)
        .map((error) => everyPrintOfError(error))
        .join('\n'),
    plant: ({ errors }, text) => errors.push(new Error('outer', { cause: new AggregateError([new Error(text)]) })),
  },
]

/** Where values are sealed before they reach the store, it holds none either. */
export const heldByStore: Sink = {
  name: 'held by the store',
  read: ({ store }) => store.sealed?.held.all() ?? '',
  async plant({ store, owner }, text) {
    const key = storageKey('planted', owner)
    await store.sealed?.operator.put(key, { text })
    return () => store.sealed?.operator.purge(key)
  },
}

function post(url: string, text: string): Promise<Response> {
  return fetch(url, { method: 'POST', body: text })
}

function entryWith(text: string) {
  const key = 'planted' as PendingKey
  return { key, slot: '', owner: '', sealed: text, expiresAt: 0, keepUntil: 0 }
}

async function plantAuditLine({ dataFolder }: World, text: string): Promise<() => void> {
  const folder = join(dataFolder, 'audit')
  const before = new Set(readdirSync(folder))
  const audit = jsonLinesAudit({ folder, key: generateKeyText() })
  // A line holds 256 characters of a text, so each piece gets one.
  const parts = text.split('\n').flatMap((line) => line.match(/.{1,250}/gu) ?? [])
  const event = { type: 'login.failed', outcome: 'failure', correlationId: 'planted' } as const
  await Promise.all(parts.map((reason) => audit.append({ ...event, reason: `x_${reason}` })))
  await audit.close()
  return () => {
    for (const name of readdirSync(folder)) if (!before.has(name)) unlinkSync(join(folder, name))
  }
}

function plantCookie({ alice }: World, text: string): () => void {
  alice.cookies.set('planted', text)
  return () => alice.cookies.delete('planted')
}

/** Names and bytes of every file below a folder. */
function filesIn(folder: string): Buffer {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return Buffer.concat(
    entries.flatMap((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [Buffer.from(`\n${path}\n`), ...(entry.isFile() ? [readFileSync(path)] : [])]
    }),
  )
}
