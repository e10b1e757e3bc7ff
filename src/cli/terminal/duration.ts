import { UsageError } from './command-line.ts'

const MILLISECONDS = { h: 3_600_000, d: 86_400_000 } as const
const MAX_DAYS = 3_650

/**
 * Reads a duration such as `14d` or `36h` as milliseconds.
 *
 * @throws UsageError that names the option, for anything else and for more than 3650 days
 */
export function durationFrom(text: string, option: string): number {
  const [, count = '', unit] = /^(\d{1,5})([dh])$/.exec(text) ?? []
  const duration = Number(count) * (unit === 'h' ? MILLISECONDS.h : MILLISECONDS.d)
  if (unit === undefined || duration === 0 || duration > MAX_DAYS * MILLISECONDS.d)
    throw new UsageError(`${option} takes days or hours, such as 14d or 36h, up to ${MAX_DAYS}d`)
  return duration
}
