// What a relay of MCP over HTTP does at the least: it reads each message and each event, knows its sessions by ids of its own, and adds the
// token. No verified user, no vault, no audit log, no search for secrets.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { Agent, request } from 'undici'

const [port, upstream, token] = process.argv.slice(2)
const agent = new Agent()
const sessions = new Map()

const server = createServer(async (incoming, response) => {
  const known = sessions.get(incoming.headers['mcp-session-id'])
  const message = await messageOf(incoming)
  const answer = await request(upstream, {
    method: incoming.method,
    dispatcher: agent,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: incoming.headers.accept ?? '*/*',
      ...(known && { 'mcp-session-id': known, 'mcp-protocol-version': '2025-11-25' }),
    },
    ...(message && { body: JSON.stringify(message) }),
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const opened = answer.headers['mcp-session-id']
  const id = known ? incoming.headers['mcp-session-id'] : randomUUID()
  if (!known && opened) sessions.set(id, opened)
  response.writeHead(answer.statusCode, {
    'content-type': answer.headers['content-type'] ?? 'text/plain',
    'cache-control': 'no-cache',
    ...(opened && { 'mcp-session-id': id }),
  })
  response.flushHeaders()
  let rest = ''
  for await (const chunk of answer.body) {
    rest += chunk
    const events = rest.split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) response.write(`${relayed(event)}\n\n`)
  }
  response.end(rest)
})

/** The event with its message parsed and written anew, as a relay that looks into messages does. */
function relayed(event) {
  return event
    .split('\n')
    .map((line) =>
      line.startsWith('data: ') && line.length > 6 ? `data: ${JSON.stringify(JSON.parse(line.slice(6)))}` : line,
    )
    .join('\n')
}

async function messageOf(incoming) {
  const chunks = []
  for await (const chunk of incoming) chunks.push(chunk)
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

await new Promise((resolve) => server.listen(Number(port), '127.0.0.1', resolve))
console.log('ready')
