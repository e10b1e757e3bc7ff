import type { LogLevel } from './logger.ts'
import { oneLine } from './logger.ts'

/**
 * One line for operators, with its time, level and place: `2026-11-27T05:10:18.123Z warn mcp-credential-vault/audit: …`.
 *
 * @param place the part that it is about, such as `audit`
 */
export function notice(level: LogLevel, place: string, message: string): string {
  return `${new Date().toISOString()} ${level} mcp-credential-vault/${place}: ${oneLine(message)}\n`
}
