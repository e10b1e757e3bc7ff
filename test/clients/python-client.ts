import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { pythonCommand } from '../harness/processes/running-process.ts'

const event = z.discriminatedUnion('event', [
  z.object({ event: z.literal('sign-in'), url: z.string() }),
  z.object({ event: z.literal('connected'), protocolVersion: z.string() }),
  z.object({ event: z.literal('link'), mode: z.literal('url'), message: z.string(), url: z.string() }),
  z.object({ event: z.literal('result'), text: z.string(), isError: z.boolean() }),
  z.object({ event: z.literal('error'), code: z.number(), message: z.string(), links: z.array(z.string()) }),
])
type PythonEvent = z.output<typeof event>

/** How the client chooses a revision of MCP. */
export type PythonMode = 'auto' | 'legacy' | '2026-07-28'

export interface PythonClient {
  /** The next thing that it reports, which has to be of one of these kinds. */
  next<K extends PythonEvent['event']>(...kinds: K[]): Promise<Extract<PythonEvent, { event: K }>>
  say(line: string): void
  /** Lets it leave its session and resolves to its exit code. */
  close(): Promise<number | null>
}

/** Runs test/clients/python_client.py, the official Python SDK's client. */
export function startPythonClient(url: string, elicitation: 'url' | 'none', mode: PythonMode): PythonClient {
  const script = `${import.meta.dirname}/python_client.py`
  const child = spawn(pythonCommand('python'), [script, url, elicitation, mode], { stdio: ['pipe', 'pipe', 'pipe'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })

  return {
    async next<K extends PythonEvent['event']>(...kinds: K[]) {
      const { value, done } = await lines.next()
      if (done) throw new Error(`The Python client ended:\n${errors.slice(-3000)}`)
      const found = event.parse(JSON.parse(value))
      if (!isOf(found, kinds)) throw new Error(`Expected ${kinds.join(' or ')}, got ${value}\n${errors.slice(-3000)}`)
      return found
    },
    say: (line) => void child.stdin.write(`${line}\n`),
    close: () => ended(child),
  }
}

function isOf<K extends PythonEvent['event']>(
  found: PythonEvent,
  kinds: readonly K[],
): found is Extract<PythonEvent, { event: K }> {
  return kinds.some((kind) => found.event === kind)
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
    child.once('exit', (code) => {
      clearTimeout(timer)
      resolve(code)
    })
    child.stdin?.end()
  })
}
