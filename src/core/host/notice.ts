import { printable } from '../model/printable.ts'

/**
 * One line for operators, with its time, level and place: `2026-11-27T05:10:18.123Z warn mcp-credential-vault/audit: …`.
 *
 * @param place the part that it is about, such as `audit`
 */
export function notice(level: 'info' | 'warn', place: string, message: string): string {
  const line = printable(message).replace(/\s*\n\s*/g, ' ')
  return `${new Date().toISOString()} ${level} mcp-credential-vault/${place}: ${line}\n`
}

/** Writes warnings about a part to standard error. */
export function warnAbout(place: string): (message: string) => void {
  return (message) => void process.stderr.write(notice('warn', place, message))
}
