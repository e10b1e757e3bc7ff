import { closeSync, openSync, readSync } from 'node:fs'
import { MAX_LINE_BYTES } from '../line/chained-line.ts'

export interface RawLine {
  /** Excludes the line end, and is empty for a line that is too long to be the log's. Valid only until the next line is read. */
  readonly bytes: Buffer
  readonly length: number
  /** Counted from 1. */
  readonly number: number
  readonly offset: number
  /** Whether a line end follows; only the last one may lack it. */
  readonly ended: boolean
}

const CHUNK = 1024 * 1024
const NEWLINE = 0x0a

/**
 * Reads the lines of one file in bounded memory, however long they are. It is synchronous, which makes a verifier three times as fast; it
 * has nothing else to do meanwhile.
 */
export function* segmentLines(path: string): Generator<RawLine> {
  const descriptor = openSync(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(CHUNK)
    let filled = 0
    let number = 0
    let offset = 0
    /** Bytes of an overlong line that were discarded. */
    let dropped = 0
    for (;;) {
      const read = readSync(descriptor, buffer, filled, CHUNK - filled, null)
      filled += read
      let start = 0
      const known = buffer.subarray(0, filled)
      for (let end = known.indexOf(NEWLINE); end >= 0; end = known.indexOf(NEWLINE, start)) {
        number += 1
        const length = dropped + end - start
        yield { bytes: dropped > 0 ? EMPTY : buffer.subarray(start, end), length, number, offset, ended: true }
        offset += length + 1
        dropped = 0
        start = end + 1
      }
      if (read === 0) {
        const length = dropped + filled - start
        if (length === 0) return
        yield {
          bytes: dropped > 0 ? EMPTY : buffer.subarray(start, filled),
          length,
          number: number + 1,
          offset,
          ended: false,
        }
        return
      }
      buffer.copyWithin(0, start, filled)
      filled -= start
      if (filled > MAX_LINE_BYTES) {
        dropped += filled
        filled = 0
      }
    }
  } finally {
    closeSync(descriptor)
  }
}

const EMPTY = Buffer.alloc(0)
