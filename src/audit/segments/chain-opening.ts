import type { ServerTier } from '../../core/ports/store-keys.ts'
import { SERVER_TIERS } from '../line/log-events.ts'
import { startOfFile } from './file-start.ts'

/** What a chain's first line says of the process that writes it. */
export interface ChainOpening {
  /** The public key, or undefined for a file that begins with another line. */
  readonly key: string | undefined
  /** Whether only that process has the key. */
  readonly isTemporary: boolean
  /** Undefined for a command, and for a file that begins with another line. */
  readonly tier: ServerTier | undefined
}

const OPENING = new RegExp(
  '^[^\\n]*"type":"audit\\.opened","outcome":"success","key":"([\\w-]{43})",' +
    `("temporaryKey":true,)?(?:"tier":"(${SERVER_TIERS.join('|')})",)?`,
)
/** Bytes of the first line that come before and with its tier. */
const SEARCHED_BYTES = 1024

/** Returns undefined for a file without a complete line: a process that died at its first line left no chain. */
export async function openingOf(folder: string, file: string): Promise<ChainOpening | undefined> {
  const start = await startOfFile(folder, file, SEARCHED_BYTES)
  if (start.length < SEARCHED_BYTES && !start.includes('\n')) return undefined
  const [, key, temporary, tier] = OPENING.exec(start) ?? []
  return { key, isTemporary: temporary !== undefined, tier: SERVER_TIERS.find((one) => one === tier) }
}
