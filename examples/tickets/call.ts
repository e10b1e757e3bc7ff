import { parseArgs } from 'node:util'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { connectMcpClient } from './mcp-client.ts'
import { portsFrom } from './ports.ts'

const USAGE = `Usage: npm run call -- [--as Alice|Bob] [--url http://localhost:8005/mcp] [TITLE]

Signs in at the running example ("npm start") as any MCP client does, calls create_ticket once, and prints the answer. When the tool needs
the user's token, it prints the link to the form and waits until the token is saved. Ctrl+C cancels the call.

Without --url it calls the port of EXAMPLE_SERVER_PORT, as "npm start" listens on it; default 8005.`
const USERS: readonly string[] = ['Alice', 'Bob']
/** Milliseconds: as long as the server waits for its user. */
const TIMEOUT = 300_000

function chosen() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        as: { type: 'string', default: 'Alice' },
        url: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (!USERS.includes(values.as)) throw new Error(`--as takes ${USERS.join(' or ')}.`)
    return { ...values, url: values.url ?? usualUrl(), title: positionals.join(' ') || 'Printer is on fire' }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
    process.exit(2)
  }
}

function usualUrl(): string {
  const { server } = portsFrom(process.env)
  if (server === 0)
    throw new Error('EXAMPLE_SERVER_PORT=0 takes any free port: pass the address that "npm start" prints with --url.')
  return `http://localhost:${server}/mcp`
}

interface Call {
  readonly url: string
  readonly user: string
  readonly title: string
  readonly signal: AbortSignal
}

async function call({ url, user, title, signal }: Call): Promise<boolean> {
  const client = await connectMcpClient({
    url,
    user,
    onLink(link) {
      console.log(`The tool needs ${user}'s token. Open this link, sign in as ${user}, and save one:\n\n  ${link}\n`)
      return 'accept'
    },
  })
  const cancellation = cancellationOf(client)
  try {
    // Progress keeps the call waiting for as long as its user needs.
    const options = { signal, timeout: TIMEOUT, resetTimeoutOnProgress: true, onprogress: () => undefined }
    const answer = await client.callTool({ name: 'create_ticket', arguments: { title } }, undefined, options)
    const { content, isError = false } = CallToolResultSchema.parse(answer)
    for (const block of content) if (block.type === 'text') console.log(block.text)
    return !isError
  } finally {
    await cancellation()
    await client.close()
  }
}

/**
 * Resolves when the server has been told that a call was cancelled. A connection that ends is no cancellation in MCP, so closing it before
 * would leave the call waiting: it would still act when its user saves the token.
 */
function cancellationOf({ transport }: Client): () => Promise<void> {
  let told: Promise<void> = Promise.resolve()
  if (transport) {
    const send = transport.send.bind(transport)
    transport.send = (message, options) => {
      const sent = send(message, options)
      if ('method' in message && message.method === 'notifications/cancelled') told = sent
      return sent
    }
  }
  return () => told.catch(() => undefined)
}

const { as: user, url, help, title } = chosen()
if (help) {
  console.log(USAGE)
} else {
  const interrupted = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort())
  try {
    if (!(await call({ url, user, title, signal: interrupted.signal }))) process.exitCode = 1
  } catch (error) {
    if (interrupted.signal.aborted) {
      console.error('Cancelled: the call does not go on, even if the token is saved later.')
      process.exitCode = 130
    } else {
      console.error(`The call to ${url} failed: ${error instanceof Error ? error.message : error}`)
      console.error('Does the example run? "npm start" prints its address; pass it on with --url.')
      process.exitCode = 1
    }
  }
}
