import { parseArgs } from 'node:util'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { connectMcpClient } from './mcp-client.ts'

const USAGE = `Usage: npm run call -- [--as Alice|Bob] [--url http://localhost:8005/mcp] [TITLE]

Signs in at the running example ("npm start") as any MCP client does, calls create_ticket once, and prints the answer. When the tool needs
the user's token, it prints the link to the form and waits until the token is saved.`
/** Milliseconds: as long as the server waits for its user. */
const TIMEOUT = 300_000

function chosen() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        as: { type: 'string', default: 'Alice' },
        url: { type: 'string', default: 'http://localhost:8005/mcp' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return { ...values, title: positionals.join(' ') || 'Printer is on fire' }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
    process.exit(2)
  }
}

async function call(url: string, user: string, title: string): Promise<boolean> {
  const client = await connectMcpClient({
    url,
    user,
    onLink(link) {
      console.log(`The tool needs ${user}'s token. Open this link, sign in as ${user}, and save one:\n\n  ${link}\n`)
      return 'accept'
    },
  })
  try {
    // Progress keeps the call waiting for as long as its user needs.
    const options = { timeout: TIMEOUT, resetTimeoutOnProgress: true, onprogress: () => undefined }
    const answer = await client.callTool({ name: 'create_ticket', arguments: { title } }, undefined, options)
    const { content, isError = false } = CallToolResultSchema.parse(answer)
    for (const block of content) if (block.type === 'text') console.log(block.text)
    return !isError
  } finally {
    await client.close()
  }
}

const { as: user, url, help, title } = chosen()
if (help) {
  console.log(USAGE)
} else {
  try {
    if (!(await call(url, user, title))) process.exitCode = 1
  } catch (error) {
    console.error(`The call to ${url} failed: ${error instanceof Error ? error.message : error}`)
    console.error('Does the example run? "npm start" prints its address; pass it on with --url.')
    process.exitCode = 1
  }
}
