import { auth } from '@modelcontextprotocol/sdk/client/auth.js'
import { z } from 'zod'
import { textOf } from '../../examples/tickets/http-browser.ts'
import { oauthLogin } from '../../examples/tickets/mcp-client.ts'
import { INSPECTOR_VERSION } from '../../scripts/bring-inspector.mjs'
import { type Inspector, startInspector } from './inspector.ts'
import type { TicketsWalk } from './tickets-walk.ts'
import type { CallEnd, OnQuestion, Walk, WalkingClient } from './walk.ts'

const TITLE = 'title:=Printer is on fire'

const pendingAuth = z.object({ pendingAuth: z.literal(true), authUrl: z.string() })
const pendingElicitation = z.object({
  elicitationPending: z.object({
    elicitationId: z.string(),
    mode: z.literal('url'),
    message: z.string(),
    url: z.string(),
  }),
})
const toolResult = z.object({
  content: z.array(z.object({ type: z.literal('text'), text: z.string() })),
  isError: z.boolean().default(false),
})

const failure = z.object({ error: z.object({ message: z.string() }) })

/** `mcpdo`, the Inspector's command line that keeps a connection and asks its user. */
function mcpdo(flags: string, server: Walk['server'], { refused = false } = {}): Walk {
  const client = `\`mcpdo${flags === '' ? '' : ` ${flags}`}\``
  return {
    ...{ client, version: INSPECTOR_VERSION, server, refused },
    connect: (tickets, onQuestion) => connectMcpdo(tickets, onQuestion, flags.split(' ').filter(Boolean)),
  }
}

async function connectMcpdo(
  tickets: TicketsWalk,
  onQuestion: OnQuestion,
  flags: readonly string[],
): Promise<WalkingClient> {
  const inspector = await startInspector()
  try {
    const { authUrl } = pendingAuth.parse(await inspector.mcpdo('connect', tickets.url, ...flags))
    const done = await tickets.signInAsAlice(authUrl)
    const page = textOf(done.html)
    if (!page.includes('OAuth complete')) throw new Error(page)
    const shown = await inspector.mcpdo('--connection', tickets.url, 'connections/show')
    if (!z.object({ transport: z.literal('live') }).safeParse(shown).success) {
      const { error } = failure.parse(await inspector.mcpdo('--connection', tickets.url, 'tools/list'))
      throw new Error(error.message)
    }
    return {
      call: () => callMcpdo(inspector, tickets.url, onQuestion),
      close: () => inspector.close(),
    }
  } catch (error) {
    await inspector.close()
    throw error
  }
}

async function callMcpdo(inspector: Inspector, url: string, onQuestion: OnQuestion): Promise<CallEnd> {
  let answer = await inspector.mcpdo('--connection', url, 'tools/call', 'create_ticket', TITLE)
  const asked = pendingElicitation.safeParse(answer)
  if (asked.success) {
    const { elicitationId, message, url: link } = asked.data.elicitationPending
    // Its user presses on once the form is saved: it takes a second -32042 for the same link as a failure.
    await onQuestion(message, link).saved
    answer = await inspector.mcpdo('elicitation/respond', elicitationId, '--done')
  }
  const { content, isError } = toolResult.parse(answer)
  return { text: content.map(({ text }) => text).join(''), isError }
}

/** The classic command line: one process for each call, which is given a token. */
function cli(flags: string, server: Walk['server']): Walk {
  return {
    ...{ client: `\`mcp-inspector --cli${flags === '' ? '' : ` ${flags}`}\``, version: INSPECTOR_VERSION, server },
    async connect({ url }) {
      const inspector = await startInspector()
      const header = `Authorization: Bearer ${await accessToken(url)}`
      const call = ['--method', 'tools/call', '--tool-name', 'create_ticket', '--tool-arg', 'title=Printer is on fire']
      return {
        async call() {
          const connection = ['--transport', 'http', '--header', header, ...flags.split(' ').filter(Boolean)]
          const { code, output } = await inspector.cli(url, ...connection, ...call)
          return { text: textIn(output), isError: code !== 0 || output === '' }
        },
        close: () => inspector.close(),
      }
    },
  }
}

/** The tool's words in what it printed: a result, and for a tool's error a line about it. */
function textIn(output: string): string {
  const [printed = ''] = output.split(/\n(?=\{"error")/)
  return printed.trim() === ''
    ? ''
    : toolResult
        .parse(JSON.parse(printed))
        .content.map(({ text }) => text)
        .join('')
}

/** Alice's access token. */
async function accessToken(serverUrl: string): Promise<string> {
  const login = oauthLogin('Alice')
  await auth(login.provider, { serverUrl })
  await auth(login.provider, { serverUrl, authorizationCode: await login.code() })
  return (await login.provider.tokens())?.access_token ?? ''
}

export const inspectorWalks: readonly Walk[] = [
  mcpdo('--era modern', '2.x'),
  mcpdo('--era modern --elicit off', '2.x'),
  mcpdo('--era modern --elicit form', '2.x'),
  mcpdo('--era modern', '1.x', { refused: true }),
  mcpdo('--era legacy', '2.x'),
  mcpdo('--era legacy', '2.x fail-fast'),
  mcpdo('--era legacy', '2.x stateless'),
  mcpdo('--era legacy --elicit off', '2.x'),
  mcpdo('--era legacy --elicit form', '2.x'),
  mcpdo('', '1.x'),
  mcpdo('', '1.x fail-fast'),
  mcpdo('', '1.x stateless'),
  mcpdo('--elicit off', '1.x'),
  mcpdo('--elicit off', '1.x fail-fast'),
  mcpdo('--elicit off', '1.x stateless'),
  mcpdo('--elicit form', '1.x'),
  cli('', '2.x'),
  cli('--protocol-era modern', '2.x'),
  cli('--protocol-era legacy', '2.x'),
  cli('--protocol-era legacy', '2.x stateless'),
  cli('', '1.x'),
  cli('', '1.x fail-fast'),
  cli('', '1.x stateless'),
]
