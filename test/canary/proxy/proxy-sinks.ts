import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { AuditEvent } from '../../../src/core/ports/audit-sink.ts'
import { everyPrintOf, everyPrintOfError } from '../printed.ts'
import type { Channel } from '../trace.ts'
import type { ProxyWorld } from './proxy-world.ts'

/** A place where Alice's secrets must never arrive. `plant` leaks on purpose, and returns what undoes it. */
export interface ProxySink {
  readonly name: string
  read(world: ProxyWorld): string | Promise<string>
  plant(world: ProxyWorld, text: string): unknown
}

const heard = (channel: Channel, plant: ProxySink['plant']): ProxySink => ({
  name: channel,
  read: ({ trace }) => trace.take(channel).toString('latin1'),
  plant,
})

export const proxySinks: readonly ProxySink[] = [
  heard('stdout', (_, text) => process.stdout.write(text)),
  heard('stderr', (_, text) => process.stderr.write(text)),
  heard('console', (_, text) => console.error(text)),
  heard('warnings', ({ trace }, text) => trace.add('warnings', text)),
  heard('log', ({ trace }, text) => trace.add('log', text)),
  heard('mcp requests', ({ trace }, text) => trace.add('mcp requests', text)),
  heard('mcp responses', ({ trace }, text) => trace.add('mcp responses', text)),
  {
    name: 'errors',
    read: ({ errors }) =>
      errors
        .splice(0)
        .map((error) => everyPrintOfError(error))
        .join('\n'),
    plant: ({ errors }, text) => errors.push(new Error('outer', { cause: new Error(text) })),
  },
  {
    name: 'audit lines',
    read: ({ harness }) => JSON.stringify(harness.audit.events),
    plant({ harness }, text) {
      const events = harness.audit.events as AuditEvent[]
      events.push({ type: 'login.failed', outcome: 'failure', correlationId: 'planted', reason: `x_${text}` })
      return () => events.pop()
    },
  },
  {
    name: 'metrics and traces',
    read: async ({ telemetry }) => (await telemetry.scrape()) + telemetry.takeSpans(),
    plant: ({ telemetry }, text) =>
      telemetry.options.tracerProvider?.getTracer('planted').startSpan('planted', { attributes: { text } }).end(),
  },
  { name: 'parameters of processes', read: () => processTexts('cmdline'), plant: (_, text) => plantTitle(text) },
  {
    name: 'environment of other processes',
    read: (world) =>
      processTexts('environ', world.childrenOf('alice')) + inspect(process.env, { maxStringLength: null }),
    plant(_, text) {
      process.env['CANARY_PLANTED'] = text
      return () => delete process.env['CANARY_PLANTED']
    },
  },
  {
    name: 'folders',
    read: ({ root }) => filesIn(root) + newFilesHere(),
    plant({ root }, text) {
      const path = join(root, 'planted')
      writeFileSync(path, text)
      return () => unlinkSync(path)
    },
  },
  {
    name: 'objects',
    read: ({ harness: { vault } }) => everyPrintOf(vault),
    plant({ harness: { vault } }, text) {
      Object.defineProperty(vault, 'planted', { value: text, configurable: true })
      return () => Reflect.deleteProperty(vault, 'planted')
    },
  },
]

/** One file of every process that may be read, but for those named. */
function processTexts(file: 'cmdline' | 'environ', but: ReadonlySet<number> = new Set()): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !but.has(Number(name)))
    .map((name) => contentOf(`/proc/${name}/${file}`))
    .join('\n')
}

/** Parameters show as the title, which can be changed. */
function plantTitle(text: string): () => void {
  const { title } = process
  process.title = text
  return () => {
    process.title = title
  }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // It has ended, or is another user's.
    return ''
  }
}

function filesIn(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map(({ parentPath, name }) => `${join(parentPath, name)}\n${contentOf(join(parentPath, name))}`)
    .join('\n')
}

/** What a crash leaves in the working folder. */
function newFilesHere(): string {
  return readdirSync('.')
    .filter((name) => /^(?:core|report\.|isolate|Heap|v8)/.test(name))
    .map((name) => `${name}\n${contentOf(name)}`)
    .join('\n')
}
