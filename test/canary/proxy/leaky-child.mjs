// Somebody else's MCP server over stdio, which puts the secrets that it is given wherever it can.
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const { LONG, QUOTES, HTML, PERCENT, BACKSLASH, KEY_FILE, TMPDIR = '' } = process.env
const secrets = KEY_FILE ? [readFileSync(KEY_FILE, 'utf8')] : [LONG, QUOTES, HTML, PERCENT, BACKSLASH]
const all = secrets.join(' ')
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const text = (id, value, isError = false) => send({ id, result: { content: [{ type: 'text', text: value }], isError } })

const TOOLS = {
  well: (id) => text(id, 'well done'),
  show: (id) => text(id, all),
  'show in base64': (id) => text(id, Buffer.from(all).toString('base64')),
  'show as an error of the tool': (id) => text(id, `cannot log in with ${all}`, true),
  'show as an error': (id) => send({ id, error: { code: -32000, message: all, data: { all } } }),
  'show in a log message': (id) => {
    send({ method: 'notifications/message', params: { level: 'error', data: all } })
    text(id, 'logged')
  },
  'show in progress': (id, { _meta } = {}) => {
    const params = { progressToken: _meta?.progressToken ?? 0, progress: 1, message: all }
    send({ method: 'notifications/progress', params })
    text(id, 'made progress')
  },
  'print as no message': (id) => {
    process.stdout.write(`${all}\n`)
    text(id, 'printed')
  },
  'print on standard error': (id) => {
    for (const secret of secrets) process.stderr.write(`using ${secret}\n`)
    process.stderr.write(`using ${all} and no end of line`)
    text(id, 'printed')
  },
  crash: () => {
    throw new Error(all)
  },
  abort: () => {
    process.stderr.write(all)
    process.abort()
  },
  'leave a report': (id) => {
    process.report.writeReport(`${TMPDIR}/report.json`)
    writeFileSync(`${TMPDIR}/token`, all)
    text(id, 'left')
    // A server that cleans up after itself proves nothing: the proxy has to.
    process.exit(0)
  },
}

if (process.argv[2] === 'silent') setInterval(() => process.stderr.write(`cannot start with ${all}\n`), 100)
else
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line)
    if (method === 'initialize')
      send({
        id,
        result: {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {}, logging: {} },
          serverInfo: { name: 'leaky', version: '1' },
        },
      })
    else if (method === 'tools/call') TOOLS[params.name](id, params)
    else if (id !== undefined && method !== undefined) send({ id, result: {} })
  })
