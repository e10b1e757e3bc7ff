import express from 'express'
import { expect, onTestFinished, test, vi } from 'vitest'
import { httpBrowser, textOf } from '../../../examples/tickets/http-browser.ts'
import {
  expressBehindGateway,
  expressHost,
  expressMounted,
  expressParsedFirst,
  fastifyMiddie,
  fastifyRoute,
  koaOwnTransport,
  plainHttp,
  startHost,
} from '../../harness/browser/host-frameworks.ts'
import { fillIn, openForm } from '../../harness/mcp-harness.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

const HOSTS = [
  ['Express', expressHost],
  ['Express, mounted at its path', expressMounted],
  ['Fastify with middie', fastifyMiddie],
  ['Fastify with a route of its own', fastifyRoute],
  ['node:http', plainHttp],
  ['Koa with a transport of its own', koaOwnTransport],
  ['Express behind a gateway that takes the base path away', expressBehindGateway],
] as const

test.each(HOSTS.flatMap(([name, host]) => ['', '/tools'].map((base) => [name, base, host] as const)))(
  '%s, base path "%s": a call asks, its user signs in and fills in the form, and the call goes on',
  async (_, base, host) => {
    const hosted = await startHost(host, base)
    const pages: Promise<{ html: string }>[] = []
    const links: string[] = []
    const alice = await hosted.connect('alice', (link) => {
      links.push(link)
      pages.push(fillIn(link, 'alice', { pat: SECRET }))
    })
    expect(await alice.call('secret_length')).toBe(`a secret of ${SECRET.length} characters`)
    expect(textOf((await pages[0])?.html ?? '')).toContain('Jira is connected')
    expect(links[0]).toContain(`${hosted.baseUrl}/credentials/jira/entry`)

    const style = /href="([^"]*\/credentials\/assets\/[^"]+\.css)"/.exec((await pages[0])?.html ?? '')?.[1] ?? ''
    expect((await fetch(new URL(style, hosted.baseUrl))).headers.get('content-type')).toContain('text/css')
    expect((await openForm(httpBrowser(), links[0] ?? '', 'bob')).status).toBe(403)

    const own = await fetch(`${hosted.baseUrl}/elsewhere?t=1`)
    expect([own.status, await own.text()]).toEqual([404, 'the application'])
  },
)

test.each([
  ['that ownerFrom does not know', 'nobody'],
  ['whose name is too long', 'x'.repeat(256)],
])('a caller %s is asked for nothing', async (_, user) => {
  const hosted = await startHost(plainHttp)
  const stranger = await hosted.connect(user, () => expect.fail('asked'))
  expect(await stranger.call('secret_length')).toContain('who is calling')
})

test('below a parser of forms, the login button says what is wrong before anybody can type a secret', async () => {
  const printed = vi.spyOn(console, 'error').mockReturnValue()
  onTestFinished(() => printed.mockRestore())
  const hosted = await startHost(expressParsedFirst)
  const links: string[] = []
  const alice = await hosted.connect('alice', (link) => links.push(link))
  const call = alice.call('secret_length')
  await expect.poll(() => links).toHaveLength(1)
  const browser = httpBrowser()
  const refused = await browser.press(await browser.open(links[0] ?? ''), 'Sign in')
  expect(refused.status).toBe(500)
  expect(textOf(refused.html)).toContain('before body parsers such as express.urlencoded()')
  expect(String(printed.mock.calls)).toContain('Mount vault.nodeHandler()')
  expect(hosted.audit.events.at(-1)).toMatchObject({ type: 'form.rejected', reason: 'already_read' })
  await alice.client.close()
  await call
})

test("Express's trust proxy changes neither the address that is written down nor the host that is asked for", async () => {
  const hosted = await startHost(expressHost)
  const links: string[] = []
  const alice = await hosted.connect('alice', (link) => links.push(link))
  const call = alice.call('secret_length')
  await expect.poll(() => links).toHaveLength(1)
  const headers = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' }
  const page = await fetch(links[0] ?? '', { headers })
  const html = await page.text()
  expect(page.status).toBe(200)
  expect(html).not.toContain('evil.example')
  const posted = await fetch(`${hosted.baseUrl}/credentials/login`, { method: 'POST', headers })
  expect(posted.status).toBe(403)
  expect(hosted.audit.events.at(-1)).toMatchObject({ type: 'form.rejected', address: '127.0.0.1' })
  await alice.client.close()
  await call
})

test.each(HOSTS.flatMap(([name, host]) => ['', '/tools'].map((base) => [name, base, host] as const)))(
  '%s, base path "%s": clients find the metadata that they sign in by, unless the server has its own',
  async (_, base, host) => {
    const hosted = await startHost(host, base)
    const answer = await fetch(new URL(`/.well-known/oauth-protected-resource${base}/mcp`, hosted.baseUrl))
    if (host === expressMounted) expect(await answer.text()).toBe('the application')
    else expect(await answer.json()).toMatchObject({ resource: `${hosted.baseUrl}/mcp` })
  },
)

test("mounted at its path, the handler leaves the metadata to the server's own", async () => {
  const path = '/.well-known/oauth-protected-resource'
  const root = await startHost(expressHost)
  expect((await fetch(root.baseUrl + path)).status).toBe(200)
  const mounted = await startHost(expressMounted)
  expect(await (await fetch(mounted.baseUrl + path)).text()).toBe('the application')
})

test('a path that the application has rewritten is served as what it has become', async () => {
  const hosted = await startHost((vault, mcp, base) =>
    express()
      .use((request, _response, next) => {
        request.url = request.url.replace(/^\/gateway\//, '/')
        next()
      })
      .use(expressHost(vault, mcp, base)),
  )
  const entry = `/credentials/jira/entry?t=${'a'.repeat(43)}`
  expect((await fetch(`${hosted.baseUrl}/gateway${entry}`)).status).toBe(200)
  expect((await fetch(`${hosted.baseUrl}/other${entry}`)).status).toBe(404)
})
