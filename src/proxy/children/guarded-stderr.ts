import { StringDecoder } from 'node:string_decoder'
import type { EchoGuard } from '../../core/echo-guard/echo-guard.ts'
import type { WriteLog } from '../../core/host/logger.ts'

/** Logs what a child writes to standard error, without the secrets that the child was given. */
export interface GuardedStderr {
  push(chunk: Uint8Array): void
  /** Logs what is left. */
  end(): void
  /** Lines that were withheld, because they contained a secret or completed one. */
  readonly withheld: number
}

/** Lines wait this long, so that a secret over two lines is found before the first is logged. Milliseconds. */
const HELD_FOR = 100
/** More waiting text is logged at once. Characters. */
const MAX_HELD = 65_536
/** A line is searched to this length, and the rest of it is dropped. Longer than any secret in any encoding, and what is logged. */
const MAX_SEARCHED = 131_072
const MAX_LOGGED = 2_000
/** Characters that are searched and logged in one minute. A child that writes more must not keep the proxy busy. */
const MAX_A_MINUTE = 500_000

/** @param subject names the child in each line, such as `gitlab (process 4711)` */
export function createGuardedStderr(guard: EchoGuard, log: WriteLog, subject: string): GuardedStderr {
  const decoder = new StringDecoder('utf8')
  let unfinished = ''
  let held: string[] = []
  let heldCharacters = 0
  let timer: NodeJS.Timeout | undefined
  let withheld = 0
  let dropped = 0
  let minute = { began: 0, characters: 0 }

  /** Whether this minute has room for so many more characters. */
  function isWithinLimit(characters: number): boolean {
    const now = Date.now()
    if (now - minute.began >= 60_000) {
      reportDropped()
      minute = { began: now, characters: 0 }
    }
    minute.characters += characters
    return minute.characters <= MAX_A_MINUTE
  }

  function reportDropped(): void {
    if (dropped > 0) log('warn', `${subject}: ${dropped} more lines of standard error than are logged in a minute`)
    dropped = 0
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const lines = held
    held = []
    heldCharacters = 0
    if (lines.length === 0) return
    const text = lines.join('\n')
    if (!isWithinLimit(text.length)) {
      dropped += lines.length
      return
    }
    // One find withholds all of it, since the secret may be spread over several lines.
    if (guard.finds(text)) {
      withheld += lines.length
      log(
        'warn',
        `${subject}: ${lines.length} lines of standard error withheld, because they contain a secret of the user`,
      )
    } else for (const line of lines) log('info', `${subject}: ${line.slice(0, MAX_LOGGED)}`)
    guard.sent(text)
  }

  function hold(line: string): void {
    if (line.trim() === '') return
    held.push(line)
    heldCharacters += line.length
    if (heldCharacters > MAX_HELD) flush()
    else timer ??= setTimeout(flush, HELD_FOR).unref()
  }

  function add(text: string): void {
    const lines = (unfinished + text).split(/\r\n|\n|\r/)
    unfinished = (lines.pop() ?? '').slice(0, MAX_SEARCHED)
    for (const line of lines) hold(line.slice(0, MAX_SEARCHED))
  }

  return {
    push: (chunk) => add(decoder.write(Buffer.from(chunk))),

    end() {
      add(decoder.end())
      hold(unfinished)
      unfinished = ''
      flush()
      reportDropped()
    },

    get withheld() {
      return withheld
    },
  }
}
