import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from './segment-ends.ts'

/** Reads the first bytes of a log's file. Returns an empty text for a file that retention removed or another user owns. */
export async function startOfFile(folder: string, file: string, bytes: number): Promise<string> {
  try {
    const handle = await open(join(folder, file), 'r')
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, 0)
      return buffer.toString('latin1', 0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (isMissing(error) || isDenied(error)) return ''
    throw error
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EACCES'
}
