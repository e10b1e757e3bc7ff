import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket } from 'undici'
import { onTestFinished } from 'vitest'
import { httpBrowser, textOf } from '../../../examples/tickets/http-browser.ts'
import { freePort } from '../free-port.ts'
import { compiled } from './compile-module.ts'
import { startProcess } from './running-process.ts'

export const LOCAL_USER = 'alice'

/** A running tier with a debugger attached. */
export interface DebuggedTier {
  /** Opens the page of the local user, so that the process does with a credential what it ever does. */
  openPage(): Promise<string>
  /** Runs JavaScript inside the process, where `require` works, and returns the JSON value of what it resolves to. */
  evaluate(expression: string): Promise<unknown>
  /** Which of these bytes are anywhere in the process's memory. They are not sent to it. */
  found(needles: Readonly<Record<string, readonly Buffer[]>>): Promise<readonly string[]>
}

/** Starts a tier of the runnable server for the local user, as `node --inspect` does. */
export async function debuggedTier(
  tier: 'form' | 'tool' | 'all',
  environment: Readonly<Record<string, string>>,
): Promise<DebuggedTier> {
  const port = await freePort()
  const url = `http://localhost:${port}`
  const folder = mkdtempSync(join(tmpdir(), 'debugged-'))
  const script = compiled(join(import.meta.dirname, 'tier-process.ts'))
  const server = await startProcess(
    process.execPath,
    ['--inspect=127.0.0.1:0', script, tier, String(port)],
    { MCP_SERVER_BASE_URL: url, MCP_LOCAL_USER: LOCAL_USER, MCP_AUDIT_FOLDER: join(folder, 'audit'), ...environment },
    async () => (await fetch(`${url}/health`)).ok,
  )
  const session = await attach(/ws:\/\/\S+/.exec(server.output())?.[0] ?? '')
  onTestFinished(async () => {
    session.close()
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    async openPage() {
      const browser = httpBrowser()
      const entry = await browser.open(`${url}/credentials`)
      const page = entry.html.includes('Continue') ? await browser.press(entry, 'Continue') : entry
      return textOf(page.html)
    },
    evaluate: session.evaluate,
    async found(needles) {
      const dump = join(folder, 'memory')
      await session.evaluate(`(${dumpMemory.toString()})(require('node:fs'), ${JSON.stringify(dump)})`)
      return search(dump, needles)
    },
  }
}

/** Runs inside the process: copies all of its memory that is written to. */
function dumpMemory(fs: typeof import('node:fs'), path: string): number {
  const memory = fs.openSync('/proc/self/mem', 'r')
  const out = fs.openSync(path, 'w', 0o600)
  const chunk = Buffer.alloc(1 << 20)
  const zeros = Buffer.alloc(chunk.length)
  let copied = 0
  const areas = /^([0-9a-f]+)-([0-9a-f]+) rw[^\n]*\n(?:[A-Z][^\n]*\n)*?Rss: +(\d+) kB/gm
  for (const [, from = '', to = '', resident] of fs.readFileSync('/proc/self/smaps', 'utf8').matchAll(areas)) {
    // What is reserved and was never used would take most of the time.
    if (resident === '0') continue
    const end = Number.parseInt(to, 16)
    for (let at = Number.parseInt(from, 16); at < end; at += chunk.length) {
      try {
        const read = fs.readSync(memory, chunk, 0, Math.min(chunk.length, end - at), at)
        if (zeros.compare(chunk, 0, read, 0, read) !== 0) copied += fs.writeSync(out, chunk, 0, read)
      } catch {
        // Some areas, such as those of devices, cannot be read.
      }
    }
  }
  fs.closeSync(memory)
  fs.closeSync(out)
  return copied
}

function search(path: string, needles: Readonly<Record<string, readonly Buffer[]>>): readonly string[] {
  const wanted = Object.entries(needles)
  const longest = Math.max(...wanted.flatMap(([, forms]) => forms.map(({ length }) => length)))
  const found = new Set<string>()
  const file = openSync(path, 'r')
  const chunk = Buffer.alloc(16 << 20)
  try {
    let kept = 0
    for (let read = readSync(file, chunk, kept, chunk.length - kept, null); read > 0; ) {
      const bytes = chunk.subarray(0, kept + read)
      for (const [name, forms] of wanted) if (forms.some((form) => bytes.includes(form))) found.add(name)
      kept = Math.min(longest, bytes.length)
      bytes.copy(chunk, 0, bytes.length - kept)
      read = readSync(file, chunk, kept, chunk.length - kept, null)
    }
  } finally {
    closeSync(file)
  }
  return [...found].sort()
}

interface Session {
  evaluate(expression: string): Promise<unknown>
  close(): void
}

/** The Chrome DevTools protocol, as far as it is needed. */
async function attach(url: string): Promise<Session> {
  const socket = new WebSocket(url)
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true })
    socket.addEventListener('error', () => reject(new Error(`no debugger at ${url}`)), { once: true })
  })
  const waiting = new Map<number, (answer: Answer) => void>()
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer
    waiting.get(answer.id)?.(answer)
  })
  let id = 0
  return {
    async evaluate(expression) {
      id += 1
      const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve))
      const params = { expression, includeCommandLineAPI: true, awaitPromise: true, returnByValue: true }
      socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params }))
      const { result } = await answered
      if (result?.exceptionDetails) throw new Error(JSON.stringify(result.exceptionDetails.exception))
      return result?.result?.value
    },
    close: () => socket.close(),
  }
}

interface Answer {
  readonly id: number
  readonly result?: {
    readonly result?: { readonly value?: unknown }
    readonly exceptionDetails?: { readonly exception?: unknown }
  }
}

/** A text as it may stand in memory. */
export function formsOf(text: string): readonly Buffer[] {
  return [Buffer.from(text), Buffer.from(text, 'utf16le'), Buffer.from(Buffer.from(text).toString('base64url'))]
}

/** A key as it may stand in memory. */
export function formsOfKey(key: Uint8Array): readonly Buffer[] {
  const bytes = Buffer.from(key)
  return [bytes, Buffer.from(bytes.toString('base64url')), Buffer.from(bytes.toString('hex'))]
}
