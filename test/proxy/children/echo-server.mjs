// An MCP server of a few lines: it tells what it sees of its surroundings, and does what calls ask of it.
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const answer = (id, result) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`)
const kept = []

const methods = {
  initialize: () => ({ protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'echo', version: '1' } }),
  environment: () => process.env,
  surroundings: () => ({ pid: process.pid, folder: process.cwd(), argv: process.argv, descriptors: openFiles() }),
  mode: ({ path }) => (statSync(path).mode & 0o777).toString(8),
  read: ({ path }) => readFileSync(path, 'utf8'),
  write: ({ path, text }) => writeFileSync(path, text),
  // Answers once the proxy has taken all of it: what is still queued here ends with the process.
  stderr: ({ chunks }) =>
    Promise.all(chunks.map((chunk) => new Promise((taken) => process.stderr.write(chunk, taken)))),
  stdout: ({ text, times = 1 }) => void process.stdout.write(text.repeat(times)),
  ignoreTerm: () => void process.on('SIGTERM', () => undefined),
  // What browsers do that a server starts: a session of their own.
  stray: () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' }).pid,
  grow: ({ bytes }) => void kept.push(Buffer.alloc(bytes, 1)),
  exit: ({ code }) => process.exit(code),
  ping: () => ({}),
}

function openFiles() {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`
    } catch {
      return []
    }
  })
}

process.on('SIGTERM', () => process.listenerCount('SIGTERM') === 1 && process.exit(0))
setInterval(() => {}, 1000)
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params = {} } = JSON.parse(line)
  if (method === 'silence' || id === undefined) return
  if (method === 'later') setTimeout(() => answer(id, {}), params.milliseconds)
  else {
    const result = methods[method](params)
    // Only what has to wait does, so that other answers keep their order.
    if (result instanceof Promise) result.then(() => answer(id, {}))
    else answer(id, result ?? {})
  }
})
