import { expect, test } from 'vitest'
import { httpBrowser, textOf } from '../../../examples/tickets/http-browser.ts'
import { startTwoIssuers } from '../../harness/identity/two-issuers.ts'
import { linkIn } from '../../harness/mcp-harness.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

test('alice of one issuer neither sees nor submits the link of alice of the other; it stays good for its owner', async () => {
  const world = await startTwoIssuers()
  const { a, b, audit } = world
  const alice = await world.connect(await a.issueAccessToken('alice'))
  const namesake = await world.connect(await b.issueAccessToken('alice'))
  const link = linkIn(await alice.call('secret'))
  const own = linkIn(await namesake.call('secret'))
  expect(own).not.toBe(link)

  const browser = httpBrowser()
  const refused = await world.signIn(browser, link, b, 'Alice')
  expect(refused.status).toBe(403)
  expect(refused.html).not.toContain(`alice at ${new URL(a.issuer).host}`)
  const form = await browser.open(own)
  expect(form.html).toContain('name="pat"')
  const handle = (url: string) => new URL(url).searchParams.get('t') ?? ''
  const aimed = { ...form, html: form.html.replaceAll(handle(own), handle(link)) }
  expect((await browser.press(aimed, 'Save', { pat: SECRET })).status).toBe(403)
  expect(audit.events.filter(({ type }) => type === 'form.identity_mismatch')).toMatchObject([
    { owner: { issuer: a.issuer, subject: 'alice' }, actor: { owner: { issuer: b.issuer, subject: 'alice' } } },
    { owner: { issuer: a.issuer, subject: 'alice' }, actor: { owner: { issuer: b.issuer, subject: 'alice' } } },
  ])
  expect(linkIn(await alice.call('secret'))).toBe(link)

  const owner = httpBrowser()
  const saved = await owner.press(await world.signIn(owner, link, a, 'Alice'), 'Save', { pat: SECRET })
  expect(textOf(saved.html)).toContain('Jira is connected')
  expect(await alice.call('secret')).toBe(`a secret of ${SECRET.length} characters`)
  expect(linkIn(await namesake.call('secret'))).toBe(own)
})

test("a stranger's page offers both identity providers, in the same order for every link", async () => {
  const world = await startTwoIssuers()
  const links: string[] = []
  for (const provider of [world.a, world.b]) {
    const client = await world.connect(await provider.issueAccessToken('bob'))
    links.push(linkIn(await client.call('secret')))
  }
  links.push(`${world.baseUrl}/credentials/jira/entry?t=${'a'.repeat(43)}`)
  const pages = await Promise.all(links.map((link) => httpBrowser().open(link)))
  const without = pages.map(({ url, html }) => html.replaceAll(new URL(url).searchParams.get('t') ?? '', '…'))
  expect(new Set(without).size).toBe(1)
  for (const { issuer } of [world.a, world.b]) expect(without[0]).toContain(`Sign in with ${new URL(issuer).host}`)
})

test('a login at an issuer that is none of them, or at none at all, does not begin', async () => {
  const world = await startTwoIssuers()
  const link = linkIn(await (await world.connect(await world.a.issueAccessToken('bob'))).call('secret'))
  const t = new URL(link).searchParams.get('t') ?? ''
  for (const more of [{}, { issuer: 'https://evil.example' }, { issuer: `${world.a.issuer}/` }, { issuer: '' }]) {
    const answer = await fetch(`${world.baseUrl}/credentials/login`, {
      method: 'POST',
      headers: { origin: world.baseUrl },
      body: new URLSearchParams({ provider: 'jira', t, ...more }),
    })
    expect(answer.status).toBe(400)
    expect(answer.headers.getSetCookie()).toEqual([])
  }
})
