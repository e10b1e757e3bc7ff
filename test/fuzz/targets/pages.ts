import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import fc from 'fast-check'
import Koa from 'koa'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { Broken, MARKER, mustHold, target } from '../target.ts'
import { headerLike, mutated, textLike } from '../texts.ts'

const ORIGIN = 'http://localhost:3000'
const vault = await openVault({
  serverBaseUrl: ORIGIN,
  backend: memoryBackend(),
  identity: localUser({ name: 'alice' }),
  // It would remember every case.
  audit: { append: async () => ({ writer: 'w', seq: 1 }), close: async () => {} },
  rateLimits: { pagesPerMinute: 1_000_000, loginsPerMinute: 1_000_000, submitsPerMinute: 1_000_000 },
  warn: () => {},
})
const provider = new CredentialsProvider({
  vault,
  name: 'jira',
  doc: '# Where to find it',
  variables: {
    pat: { label: 'Token', type: 'password' },
    // Nothing fits, so that the link stays open however many forms are sent.
    never: { label: 'Never', pattern: /(?!)/ },
  },
})
const call = { user: { issuer: 'local-user', subject: 'alice' }, correlationId: 'c' }
const { url } = await provider.requestCredential(call, 'absent')
const handle = new URL(url).searchParams.get('t') ?? ''

const app = new Koa({ proxy: false })
const complaints: string[] = []
app.on('error', (error: unknown) => complaints.push(String(error)))
vault.register(app)
const serve = app.callback()

interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

async function answerTo({
  method,
  path,
  headers,
  body,
}: Sent): Promise<{ readonly response: ServerResponse; readonly html: string }> {
  const request = new IncomingMessage(new Socket())
  request.method = method
  request.url = path
  Object.assign(request.headers, headers, { 'content-length': String(Buffer.byteLength(body)) })
  request.push(Buffer.from(body))
  request.push(null)
  const response = new ServerResponse(request)
  let html = ''
  response.end = (chunk?: unknown) => {
    html = typeof chunk === 'string' || Buffer.isBuffer(chunk) ? chunk.toString() : ''
    return response
  }
  await serve(request, response)
  return { response, html }
}

const FORM = 'application/x-www-form-urlencoded'
const browser = { host: 'localhost:3000', origin: ORIGIN, 'content-type': FORM }
const signedIn = await answerTo({
  method: 'POST',
  path: '/credentials/login',
  headers: browser,
  body: `provider=jira&t=${handle}`,
})
const cookie = [signedIn.response.getHeader('set-cookie')]
  .flat()
  .map((line) => String(line).split(';')[0])
  .join('; ')
const entry = `/credentials/jira/entry?t=${handle}`
const form = await answerTo({ method: 'GET', path: entry, headers: { ...browser, cookie }, body: '' })
const token = /name="csrf-token" value="([^"]*)"/.exec(form.html.slice(form.html.indexOf('/submit')))?.[1] ?? ''
mustHold(form.response.statusCode === 200 && token !== '', 'there is no form to begin with')

const mostly = (value: string, otherwise: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: otherwise.map(headerLike) })

const paths = ['entry', 'submit', 'cancel', 'done'].map((page) => `/credentials/jira/${page}?t=${handle}`)
const others = [
  '/credentials/login',
  '/credentials/callback?code=a&state=b',
  '/credentials/sign-out',
  '/credentials/assets/x.css',
]

const sent = fc.record({
  method: mostly('POST', fc.constantFrom('GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PURGE')),
  path: fc
    .oneof(
      { weight: 3, arbitrary: fc.constantFrom(...paths, ...others) },
      { weight: 1, arbitrary: mutated(...paths, ...others) },
    )
    // What a request line can carry.
    .map((text) => text.replace(/[^\x21-\x7e]/g, '') || '/'),
  headers: fc.record({
    host: mostly(browser.host, textLike(browser.host)),
    origin: mostly(ORIGIN, textLike(ORIGIN, 'null')),
    'content-type': mostly(FORM, textLike(FORM)),
    cookie: mostly(cookie, textLike(cookie)),
    'x-forwarded-for': mostly('203.0.113.7', textLike('203.0.113.7, ::1')),
    'accept-encoding': mostly('gzip', textLike('gzip;q=1')),
  }),
  body: textLike(
    `csrf-token=${token}&pat=${MARKER}&never=x`,
    `csrf-token=${token}`,
    `provider=jira&t=${handle}`,
    `provider=jira&t=${handle}&switch=1`,
  ),
})

export const pages = [
  target(
    'request to the pages',
    sent,
    async (request) => {
      complaints.length = 0
      const { response, html } = await answerTo(request)
      const [complaint] = complaints
      if (complaint !== undefined) throw new Broken(complaint)
      mustHold(response.statusCode >= 200 && response.statusCode < 500, `it answers ${response.statusCode}`)
      mustHold(!JSON.stringify(response.getHeaders()).includes(MARKER), 'a header repeats the secret')
      // A field that is no secret is shown again, as text; the token field never is.
      const isOurs = new URLSearchParams(request.body).get('pat') === MARKER && request.body.split(MARKER).length === 2
      mustHold(!isOurs || !html.includes(MARKER), 'the page repeats the secret')
      if (/^\/credentials\/[\w-]+/.test(request.path)) {
        mustHold(response.getHeader('content-security-policy') !== undefined, 'an answer without its headers')
      }
    },
    { weight: 30 },
  ),
]
