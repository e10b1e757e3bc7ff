import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, hiddenField, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

// A browser's cookies belong to the host, whatever the port and path.
let first: FormServer
let second: FormServer

beforeAll(async () => {
  first = await startFormServer({ serverBaseUrl: 'https://tools.example.com/first' })
  second = await startFormServer({ serverBaseUrl: 'https://tools.example.com/second' })
})
afterAll(async () => {
  await first.close()
  await second.close()
})

function oneBrowser(): { readonly atFirst: Visitor; readonly atSecond: Visitor; share(): void } {
  const atFirst = visitorOf(first)
  const atSecond = visitorOf(second)
  return {
    atFirst,
    atSecond,
    share() {
      for (const [name, value] of atSecond.cookies) atFirst.cookies.set(name, value)
      for (const [name, value] of atFirst.cookies) atSecond.cookies.set(name, value)
    },
  }
}

const heading = async (visitor: Visitor, link: Link) => headingOf((await visitor.get(link.entry)).text)

test('signing in at one vault leaves the session at another vault of the host alone', async () => {
  const { atFirst, atSecond, share } = oneBrowser()
  const links = [await first.ask('alice'), await second.ask('alice')] as const
  await atFirst.signIn('alice', links[0])
  share()
  await atSecond.signIn('alice', links[1])
  share()
  expect(await heading(atFirst, links[0])).toBe('Connect Jira')
  expect(await heading(atSecond, links[1])).toBe('Connect Jira')
})

test('signing out of one vault, or beginning a login there, ends nothing at the other', async () => {
  const { atFirst, atSecond, share } = oneBrowser()
  const links = [await first.ask('alice'), await second.ask('alice')] as const
  const callback = await atFirst.signInUpToCallback('alice', links[0])
  share()
  await atSecond.signIn('alice', links[1])
  const page = (await atSecond.get(links[1].entry)).text
  const signedOut = await atSecond.post('/second/credentials/sign-out', {
    'csrf-token': hiddenField(page, 'csrf-token') ?? '',
  })
  for (const line of signedOut.headers['set-cookie'] ?? []) atFirst.cookies.delete(/^[^=]+/.exec(line)?.[0] ?? '')
  expect((await atFirst.get(callback)).status).toBe(303)
  expect(await heading(atFirst, links[0])).toBe('Connect Jira')
})

test('the cookies keep the prefix that ties them to the host', async () => {
  const visitor = visitorOf(first)
  await visitor.signIn('alice', await first.ask('alice'))
  for (const name of visitor.cookies.keys()) expect(name).toMatch(/^__Host-credentials-[0-9a-f]{8}-session$/)
})
