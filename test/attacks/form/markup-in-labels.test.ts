import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'

const MARKUP = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;{{7*7}}<%= 7 %>`

let server: FormServer

beforeAll(async () => {
  server = await startFormServer({
    variables: {
      site: { label: MARKUP, hint: MARKUP, type: 'string' },
      pat: { label: `token ${MARKUP}`, type: 'password', hint: MARKUP },
    },
    provider: {
      label: MARKUP,
      destinations: [MARKUP],
      verify: async ({ site }) =>
        site === 'refuse' ? { ok: false, problem: MARKUP } : { ok: true, accountName: MARKUP },
    },
    options: { serverName: MARKUP },
  })
})
afterAll(() => server.close())

/** Every place where the text could have become markup. */
function expectNoMarkup(html: string): void {
  expect(html).not.toContain('<script>alert')
  expect(html).not.toContain('<img')
  expect(html).not.toContain('"\'>')
  expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
}

test('markup in labels, hints, names, what a user typed and what a service says is shown as text', async () => {
  const link = await server.ask('alice', { clientName: MARKUP, tool: MARKUP })
  const alice = visitorOf(server)
  expectNoMarkup((await alice.get(link.entry)).text)
  await alice.signIn('alice', link)
  expectNoMarkup((await alice.get(link.entry)).text)

  const missing = await alice.submit(link, { site: MARKUP, pat: '' })
  expect(missing.status).toBe(422)
  expectNoMarkup(missing.text)
  const refused = await alice.submit(link, { site: 'refuse', pat: 'x' })
  expect(refused.status).toBe(422)
  expectNoMarkup(refused.text)

  const saved = await alice.submit(link, { site: MARKUP, pat: 'x' })
  expect(saved.status).toBe(303)
  expectNoMarkup((await alice.get(link.done)).text)
  expect(await server.stored('alice')).toEqual({ site: MARKUP, pat: 'x' })
})
