import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { fileExposure } from '../../core/host/exposed-file.ts'
import { fileLabel } from '../../core/host/shown-path.ts'
import type { Terminal } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { MAX_INPUT_BYTES, utf8 } from '../terminal/read-input.ts'

/**
 * Reads a text file that holds secrets. Like a key file, it is refused if other users may read it.
 *
 * @throws UsageError that names the option, and the file if it looks like one
 */
export function readPrivateFile(path: string, option: string, { error }: Pick<Terminal, 'error'>): string {
  const source = fileLabel(option, path)
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch {
    throw new UsageError(`${source} names a file that cannot be read`)
  }
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile() && !stats.isFIFO()) throw new UsageError(`${source} is not a file`)
    if (stats.size > MAX_INPUT_BYTES) throw new UsageError(`${source} is longer than 64 MiB; split it`)
    const exposure = fileExposure(path, descriptor)
    if (exposure && !exposure.tolerated)
      throw new UsageError(
        `${source} may be read by other users. ${exposure.remedy}, and replace the tokens if others did`,
      )
    if (exposure) error(`mcp-credential-vault: ${source} may be read by other users. ${exposure.remedy}\n`)
    return utf8(readFileSync(descriptor), source)
  } finally {
    closeSync(descriptor)
  }
}
