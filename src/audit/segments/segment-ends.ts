import type { KeyObject } from 'node:crypto'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { publicKeyText, signerOf } from '../line/audit-keys.ts'
import { MAX_LINE_BYTES, readSealedLine, type SealedLine } from '../line/chained-line.ts'
import { parseSegmentName, type SegmentName } from './segment-name.ts'

/** Lists the log's files in a folder, by the start times in their names. Returns an empty list when the folder is missing. */
export async function listSegments(folder: string): Promise<readonly SegmentName[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw error
  })
  return names
    .map(parseSegmentName)
    .filter((name) => name !== undefined)
    .sort((a, b) => a.begun.getTime() - b.begun.getTime() || a.part - b.part || (a.file < b.file ? -1 : 1))
}

export function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT'
}

export interface SegmentEnds {
  readonly first: SealedLine
  /** The last signed line. Lines after it were never acknowledged. */
  readonly last: SealedLine
  /** Public key of that signature. */
  readonly key: string
}

/**
 * Reads the first and the last signed line of a segment. Returns undefined when none of the keys made the last signature, or when the lines
 * are another writer's. Such a file proves nothing: anyone who may write to the folder can choose its name and date.
 */
export async function readSegmentEnds(
  folder: string,
  { file, writer }: SegmentName,
  keys: readonly KeyObject[],
): Promise<SegmentEnds | undefined> {
  const handle = await open(join(folder, file), 'r')
  try {
    const { size } = await handle.stat()
    const first = genuineLinesIn(await readAt(handle, 0, MAX_LINE_BYTES))[0]
    const start = Math.max(0, size - 2 * MAX_LINE_BYTES)
    const last = genuineLinesIn(await readAt(handle, start, size - start))
      .reverse()
      .find(({ signature }) => signature !== '')
    if (!first || !last || first.writer !== writer || last.writer !== writer) return undefined
    const signer = signerOf(keys, last.hash, last.signature)
    return signer && { first, last, key: publicKeyText(signer) }
  } finally {
    await handle.close()
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position)
  return buffer.subarray(0, bytesRead)
}

/** Returns the complete lines of a piece of a file whose hashes are correct. */
function genuineLinesIn(piece: Buffer): SealedLine[] {
  const lines: SealedLine[] = []
  let start = 0
  for (let end = piece.indexOf(0x0a); end >= 0; end = piece.indexOf(0x0a, start)) {
    const line = readSealedLine(piece.subarray(start, end))
    if (line?.isGenuine) lines.push(line)
    start = end + 1
  }
  return lines
}
