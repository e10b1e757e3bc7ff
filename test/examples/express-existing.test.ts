import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { fillIn, linkIn, openForm } from '../harness/mcp-harness.ts'
import { startHttpExample } from '../harness/processes/example-process.ts'

const FOLDER = join(import.meta.dirname, '../../examples/express-existing')
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8')
const TICKET = { title: 'Printer is on fire' }

test('before: every user acts as the owner of one shared token', async () => {
  const { connect } = await startHttpExample('express-existing/before.ts', async (tickets) => ({
    TICKETS_TOKEN: await tickets.newToken('Bob'),
  }))
  expect(await (await connect('alice')).call('create_ticket', TICKET)).toContain('"reporter":"bob"')
})

test('after: each user acts with a token of their own, entered on the form', async () => {
  const { url, tickets, server, connect } = await startHttpExample('express-existing/after.ts')
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

test('after: a token that is no longer good is answered with 401 and the way to sign in, an outage is not', async () => {
  const { url, identityProvider } = await startHttpExample('express-existing/after.ts')
  const post = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    const { status, headers: answered } = await fetch(`${url}/mcp`, { method: 'POST', headers })
    return { status, challenge: answered.get('www-authenticate') ?? '' }
  }
  const tokens = [
    await identityProvider.issueAccessToken('alice', { expiresIn: -60 }),
    await identityProvider.issueAccessToken('alice', { audience: 'https://elsewhere.example.com' }),
    'no-token',
  ]
  identityProvider.stopAnswering({ path: '/jwks' })
  expect((await post(await identityProvider.issueAccessToken('alice'))).status).toBe(500)
  identityProvider.startAnswering()
  for (const token of tokens) {
    const { status, challenge } = await post(token)
    expect(status).toBe(401)
    expect(challenge).toContain(`resource_metadata="${url}/.well-known/oauth-protected-resource/mcp"`)
  }
  expect((await fetch(`${url}/mcp`)).status).toBe(405)
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
