import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let alice: Visitor

const FIELDS = { site: 'https://acme.atlassian.net', pat: 'a-good-token-1234', note: 'a note', key: 'line one' }
const EVERY_CONTROL = [...Array(0x20).keys(), 0x7f, ...Array.from({ length: 0x20 }, (_, i) => 0x80 + i)]

beforeAll(async () => {
  server = await startFormServer({
    variables: {
      site: { label: 'Site', type: 'url' },
      pat: { label: 'Token', type: 'password' },
      note: { label: 'Note', required: false },
      key: { label: 'Key', type: 'textarea', required: false },
    },
    options: { rateLimits: { submitsPerMinute: 10_000, pagesPerMinute: 10_000 } },
  })
  alice = visitorOf(server)
  await alice.signIn('alice', await server.ask('alice'))
})
afterAll(() => server.close())

async function send(fields: Readonly<Record<string, string>>): Promise<{ status: number; text: string }> {
  const link = await server.ask('alice')
  const token = csrfOf((await alice.get(link.entry)).text, link)
  return alice.post(link.submit, new URLSearchParams({ 'csrf-token': token, ...fields }).toString())
}

test.each(['site', 'pat', 'note'] as const)('no control character gets into the single line of %s', async (field) => {
  for (const code of EVERY_CONTROL) {
    const value = `${FIELDS[field]}${String.fromCharCode(code)}x`
    const { status, text } = await send({ ...FIELDS, [field]: value })
    expect(status, `U+${code.toString(16)}`).toBe(422)
    expect(text).toContain('There is a problem')
  }
  expect(await server.stored('alice')).toBe('absent')
})

test('a text of several lines takes line ends and tabs, and no other control character', async () => {
  for (const code of EVERY_CONTROL) {
    if ([0x09, 0x0a, 0x0d].includes(code)) continue
    const { status } = await send({ ...FIELDS, key: `one${String.fromCharCode(code)}two` })
    expect(status, `U+${code.toString(16)}`).toBe(422)
  }
  expect(await server.stored('alice')).toBe('absent')
})

test('bytes that are no UTF-8 are refused, and not turned into something else', async () => {
  for (const bytes of ['%ff', '%c0%80', '%ed%a0%80', '%f5%80%80%80', '%e2%28%a1']) {
    const link = await server.ask('alice')
    const token = csrfOf((await alice.get(link.entry)).text, link)
    const body = `csrf-token=${token}&site=${encodeURIComponent(FIELDS.site)}&pat=a-good-token${bytes}`
    const { status } = await alice.post(link.submit, body)
    expect([400, 422], bytes).toContain(status)
  }
  expect(await server.stored('alice')).toBe('absent')
})
