import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PythonClient, type PythonMode, startPythonClient } from './python-client.ts'
import type { TicketsWalk } from './tickets-walk.ts'
import type { CallEnd, OnQuestion, Walk } from './walk.ts'

const packages = readFileSync(join(import.meta.dirname, '../../scripts/python-packages.txt'), 'utf8')
const version = /^mcp==(.+)$/m.exec(packages)?.[1] ?? ''

/** The official Python SDK's client, with an `elicitation_callback` or without. */
function walk(mode: PythonMode, server: Walk['server'], { callback = true } = {}): Walk {
  return {
    ...{ client: `Python, ${mode}${callback ? '' : ', no callback'}`, version, server },
    async connect(tickets, onQuestion) {
      const client = startPythonClient(tickets.url, callback ? 'url' : 'none', mode)
      try {
        await signedIn(client, tickets)
      } catch (error) {
        await client.close()
        throw error
      }
      return { call: () => callOf(client, tickets, onQuestion), close: () => client.close() }
    },
  }
}

/** A client that is pinned to a revision says that it is connected before it has sent anything. */
async function signedIn(client: PythonClient, tickets: TicketsWalk): Promise<void> {
  const said = await client.next('sign-in', 'connected')
  if (said.event === 'connected') return
  await signIn(client, tickets, said.url)
  await client.next('connected')
}

async function signIn(client: PythonClient, tickets: TicketsWalk, url: string): Promise<void> {
  const back = await tickets.signInAsAlice(url, { stopBefore: 'http://localhost:8098/callback' })
  client.say(back.url)
}

async function callOf(client: PythonClient, tickets: TicketsWalk, onQuestion: OnQuestion): Promise<CallEnd> {
  client.say('call')
  for (;;) {
    const said = await client.next('sign-in', 'link', 'result', 'error')
    switch (said.event) {
      case 'sign-in':
        await signIn(client, tickets, said.url)
        break
      case 'link':
        // Its callback accepts.
        onQuestion(said.message, said.url)
        break
      case 'result':
        return said
      case 'error':
        return { text: said.message, isError: true }
    }
  }
}

export const pythonWalks: readonly Walk[] = [
  walk('2026-07-28', '2.x'),
  walk('auto', '2.x'),
  walk('auto', '2.x', { callback: false }),
  walk('legacy', '2.x'),
  walk('legacy', '2.x fail-fast'),
  walk('legacy', '2.x stateless'),
  walk('auto', '1.x'),
  walk('legacy', '1.x'),
  walk('auto', '1.x fail-fast'),
  walk('auto', '1.x stateless'),
  walk('auto', '1.x', { callback: false }),
  walk('auto', '1.x fail-fast', { callback: false }),
  walk('auto', '1.x stateless', { callback: false }),
]
