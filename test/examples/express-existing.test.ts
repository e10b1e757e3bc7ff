import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { fillIn, linkIn, openForm } from '../e2e/mcp-harness.ts'
import { exampleClient, exampleTickets, withToken } from '../support/example-client.ts'
import { freeUrl, startExample } from '../support/example-process.ts'
import { browserClient, startIdentityProvider } from '../support/identity-provider.ts'

const FOLDER = join(import.meta.dirname, '../../examples/express-existing')
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8')
const TICKET = { title: 'Printer is on fire' }

async function world() {
  const url = await freeUrl()
  const tickets = await exampleTickets()
  const identityProvider = await startIdentityProvider({
    resource: `${url}/mcp`,
    clients: [browserClient('mcp-form', [`${url}/credentials/callback`])],
  })
  onTestFinished(() => identityProvider.close())
  const environment = { BASE_URL: url, ISSUER: identityProvider.issuer, TICKETS_URL: tickets.origin }
  const connect = async (user: string) =>
    exampleClient(withToken(`${url}/mcp`, await identityProvider.issueAccessToken(user)))
  return { url, tickets, environment, connect }
}

test('before: every user acts as the owner of one shared token', async () => {
  const { url, tickets, environment, connect } = await world()
  const shared = await tickets.newToken('Bob')
  await startExample('express-existing/before.ts', url, { ...environment, TICKETS_TOKEN: shared })
  expect(await (await connect('alice')).call('create_ticket', TICKET)).toContain('"reporter":"bob"')
})

test('after: each user acts with a token of their own, entered on the form', async () => {
  const { url, tickets, environment, connect } = await world()
  const server = await startExample('express-existing/after.ts', url, environment)
  const alice = await connect('alice')
  const link = linkIn(await alice.call('create_ticket', TICKET))
  expect(link).toContain(`${url}/credentials/tickets/entry`)

  const refused = await openForm(httpBrowser(), link, 'bob')
  expect(refused.status).toBe(403)
  const saved = await fillIn(link, 'alice', { pat: await tickets.newToken('Alice') })
  expect(textOf(saved.html)).toContain('Tickets is connected')

  expect(await alice.call('create_ticket', TICKET)).toContain('"reporter":"alice"')
  expect(linkIn(await (await connect('bob')).call('create_ticket', TICKET))).not.toBe('')
  await server.stop('SIGTERM')
  expect(server.child.exitCode).toBe(0)
})

test("the README's diff turns before.ts into after.ts, with fewer than 20 changed lines", () => {
  const [, diff = ''] = /```diff\n([\s\S]*?)```/.exec(read('README.md')) ?? []
  expect(applied(diff, read('before.ts'))).toBe(read('after.ts'))
  const changed = diff.split('\n').filter((line) => /^[+-]/.test(line))
  expect(changed.length).toBeGreaterThan(0)
  expect(changed.length).toBeLessThan(20)
})

/** The text after a unified diff without file names. Throws when a line that should be there is not. */
function applied(diff: string, before: string): string {
  const lines = before.split('\n')
  const result: string[] = []
  let at = 0
  for (const line of diff.trimEnd().split('\n')) {
    const start = /^@@ -(\d+)/.exec(line)?.[1]
    if (start !== undefined) {
      result.push(...lines.slice(at, Number(start) - 1))
      at = Number(start) - 1
    } else if (line.startsWith('+')) {
      result.push(line.slice(1))
    } else {
      if (lines[at] !== line.slice(1)) throw new Error(`before.ts has no such line ${at + 1}: ${line}`)
      if (!line.startsWith('-')) result.push(line.slice(1))
      at += 1
    }
  }
  return [...result, ...lines.slice(at)].join('\n')
}
