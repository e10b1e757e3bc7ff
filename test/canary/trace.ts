import { bytesOf } from './encodings.ts'

/** Where something was seen. Each is a sink's source. */
export type Channel =
  | 'stdout'
  | 'stderr'
  | 'console'
  | 'warnings'
  | 'operator warnings'
  | 'log'
  | 'metrics'
  | 'mcp requests'
  | 'mcp responses'
  | 'page requests'
  | 'page responses'
  | 'sockets'
  | 'health'
  | 'pending entries'
  | 'identity provider'
  | 'declared destination'
  | 'other destinations'
  | 'command line'
  | 'server process'

/** Collects what happened since it was last asked, one text for each stream, so that parts that belong together stay together. */
export interface Trace {
  add(channel: Channel, part: string | Uint8Array): void
  /** For parts that follow each other. */
  stream(channel: Channel): (part: string | Uint8Array) => void
  take(channel: Channel): Buffer
}

export function createTrace(): Trace {
  const streams = new Map<Channel, Set<Buffer[]>>()
  const open = (channel: Channel): Buffer[] => {
    const parts: Buffer[] = []
    const all = streams.get(channel) ?? new Set()
    streams.set(channel, all.add(parts))
    return parts
  }
  return {
    add: (channel, part) => void open(channel).push(bytesOf(part)),
    stream(channel) {
      const parts = open(channel)
      return (part) => {
        streams.get(channel)?.add(parts)
        parts.push(bytesOf(part))
      }
    },
    take(channel) {
      const texts = [...(streams.get(channel) ?? [])].map((parts) => Buffer.concat(parts.splice(0)))
      streams.delete(channel)
      return Buffer.concat(texts.flatMap((text) => [text, Buffer.from('\n')]))
    },
  }
}
