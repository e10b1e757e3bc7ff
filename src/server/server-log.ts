import type { Logger, LogLevel } from '../core/host/logger.ts'
import { notice } from '../core/host/notice.ts'

export interface ServerLog extends Logger {
  /** Writes what is still held back. */
  flush(): void
}

export interface ServerLogOptions {
  readonly level: LogLevel
  /** `json`: pino's lines. `text`: the lines that the library writes without a logger, for people. */
  readonly format: 'json' | 'text'
  /** Default standard error. */
  readonly descriptor?: number
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[]
/** Characters held for a reader that does not read. Later lines are dropped, since a log must not stop the server. */
const MOST_HELD = 16_000_000

/** Opens the log of the runnable server. */
export async function openServerLog({ level, format, descriptor = 2 }: ServerLogOptions): Promise<ServerLog> {
  const { pino } = await import('pino')
  // Not synchronous: a full pipe would stop every call.
  const destination = pino.destination({ fd: descriptor, sync: false, maxLength: MOST_HELD })
  const flush = () => {
    try {
      destination.flushSync()
    } catch {
      // Nothing is open yet, or its reader has gone.
    }
  }
  destination.on('error', () => undefined)
  if (format === 'text') return { ...textLog(level, (line) => void destination.write(line)), flush }
  const log = pino({ level, base: { name: 'mcp-credential-vault', pid: process.pid } }, destination)
  const json = Object.fromEntries(
    LEVELS.map((one) => [one, (fields: object, message: string) => log[one](fields, message)]),
  )
  return { ...(json as Record<LogLevel, Logger['info']>), flush }
}

function textLog(least: LogLevel, write: (line: string) => void): Logger {
  const line = (level: LogLevel) => (fields: object, message: string) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return
    const { component = 'server', ...rest } = fields as { component?: string }
    const details = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`)
    write(notice(level, component, [message, ...details].join(' ')))
  }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}
