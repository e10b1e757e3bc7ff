import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { compiled } from '../harness/processes/compile-module.ts'
import { createDetector } from './detector.ts'
import { canarySet } from './secrets.ts'

const STREAM_PUSH = /^STREAM \d+: push <Buffer /

/**
 * What others print when an operator switches their debugging on, and no code of ours can keep them from. The first line of the message
 * decides; whatever matches none of these is ours.
 *
 * Node's `stream` prints the first 50 bytes of each buffer that a stream is given, so also of the form that a browser posts: with
 * NODE_DEBUG=stream, secrets are in the output of every Node.js server that takes forms. A test shows it without our code. The
 * rest concerns flows that put a secret where none belongs, and shows the requester's own text.
 */
const PRINTED_BY_OTHERS: readonly { readonly head: RegExp; readonly flows?: RegExp }[] = [
  { head: STREAM_PUSH },
  // Clients' own requests, which in these flows hold a secret in a header.
  { head: /^(?:HTTP|NET) \d+: createConnection /, flows: /headers|access token|no MCP message/ },
  // The router prints each request's path, without its query.
  { head: /koa-router/, flows: /path/ },
]

const HEAD = /^(?:[A-Z][A-Z0-9_]* \d+: |\d{4}-\d\d-\d\dT\S+ |\[flow)/
const BLOCK = 500

interface Message {
  readonly flow: string
  readonly head: string
  text: string
}

export interface DebugOutput {
  /** Messages with a secret that nobody else can have printed. */
  readonly ours: readonly string[]
  /** Of all that was printed. */
  readonly bytes: number
  /** How many flows of how many did what they say, and why others did not. */
  readonly summary: string
}

/** Runs every flow in a process with DEBUG=* and NODE_DEBUG=*, and searches all that it prints while it prints it. */
export async function searchDebugOutput(store = 'sealed-file'): Promise<DebugOutput> {
  const secrets = canarySet()
  const detector = createDetector(secrets)
  const child = spawn(process.execPath, [compiled(join(import.meta.dirname, 'debug-main.ts'))], {
    env: { ...process.env, DEBUG: '*', NODE_DEBUG: '*', CANARY_SEED: secrets.seed, CANARY_STORE: store },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ours: string[] = []
  let bytes = 0
  let flow = ''
  let summary = ''

  // Megabytes are searched in blocks, and only what a block with a secret in it holds is looked at closely.
  function judge(messages: readonly Message[]): void {
    if (detector.findIn(messages.map(({ text }) => text).join('\n')).length === 0) return
    for (const message of messages) {
      const kinds = detector.findIn(message.text)
      const others = PRINTED_BY_OTHERS.some(
        ({ head, flows }) => head.test(message.head) && (flows?.test(message.flow) ?? true),
      )
      if (kinds.length > 0 && !others) ours.push(`${message.flow} ${kinds.join()}: ${message.head.slice(0, 200)}`)
    }
  }

  async function read(stream: NodeJS.ReadableStream): Promise<void> {
    let block: Message[] = []
    for await (const line of createInterface({ input: stream })) {
      bytes += line.length
      if (line.startsWith('[flow')) flow = summary = line
      const message = block.at(-1)
      if (HEAD.test(line) || !message) {
        if (block.length >= BLOCK) {
          judge(block)
          block = []
        }
        block.push({ flow, head: line, text: line })
      } else message.text += `\n${line}`
    }
    judge(block)
  }

  const ended = once(child, 'exit')
  await Promise.all([read(child.stdout), read(child.stderr)])
  await ended
  return { ours, bytes, summary }
}

/** What a server of a few lines prints under NODE_DEBUG=stream when the secret is posted to it: those lines that hold it. */
export async function linesOfBareServer(): Promise<readonly string[]> {
  const secrets = canarySet()
  const program = `
    import { createServer, request } from 'node:http'
    const server = createServer((incoming, answer) => incoming.resume().on('end', () => answer.end()))
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      request({ host: '127.0.0.1', port, method: 'POST', agent: false }, (response) => {
        response.resume().on('end', () => server.close())
      }).end(process.argv[1])
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, `pat=${secrets.of('long')}`], {
    env: { ...process.env, NODE_DEBUG: 'stream' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  for await (const part of child.stderr) output += part
  return output.split('\n').filter((line) => createDetector(secrets).findIn(line).length > 0)
}

/** Whether Node's own debugging printed this. */
export function isPrintedByStream(line: string): boolean {
  return STREAM_PUSH.test(line)
}
