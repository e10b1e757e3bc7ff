import { csrfOf, visitorOf } from '../../harness/browser/visitor.ts'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import type { PageRequest } from '../recording.ts'
import type { World } from '../world.ts'

type Fields = Readonly<Record<string, string>>

/** Submits the form with changes to what is otherwise right. */
async function submits(
  world: World,
  status: number,
  changes: Fields,
  headers: PageRequest['headers'] = {},
): Promise<string> {
  const link = await world.link()
  const form = await world.alice.get(link.entry)
  const fields = { ...world.secrets.values, 'csrf-token': csrfOf(form.text, link), ...changes }
  const answer = await world.alice.post(link.submit, fields, headers)
  expectStatus(answer, status)
  return answer.text
}

/** Sends a whole body of another kind. */
async function sends(
  world: World,
  status: number,
  body: string | Buffer,
  headers: PageRequest['headers'],
): Promise<void> {
  const { submit } = await world.link()
  const cookie = cookiesOf(world)
  expectStatus(await world.send({ method: 'POST', path: submit, body, headers: { cookie, ...headers } }), status)
}

function cookiesOf({ alice }: World): string {
  return [...alice.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
}

const multipart = (values: Fields) =>
  `${Object.entries(values)
    .map(
      ([name, value]) =>
        `--b\r\ncontent-disposition: form-data; name="${name}"; filename="${name}.txt"\r\n\r\n${value}\r\n`,
    )
    .join('')}--b--\r\n`

const type = (text: string) => ({ 'content-type': text })
const encoded = (values: Fields) => new URLSearchParams(values).toString()

export const form: readonly Flow[] = [
  flow('form opened again, done page, sign-out', async (world) => {
    const link = await world.link()
    expectStatus(await world.alice.submit(link, world.secrets.values), 303)
    for (const page of [link.done, link.entry]) {
      expectThat((await world.alice.get(page)).status < 500, 'a page')
    }
    const leaving = visitorOf({ send: world.send, provider: world.identityProvider })
    await leaving.signIn('alice', link)
    const page = await leaving.get(link.done)
    const token = /sign-out"[\s\S]*?name="csrf-token" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    expectThat((await leaving.post('/credentials/sign-out', { 'csrf-token': token })).status < 400, 'a sign-out')
  }),
  flow('wrong user GET', async (world) => {
    const link = await world.link()
    expectStatus(await world.bob.get(link.entry), 403)
    expectStatus(await world.bob.get(link.done), 403)
  }),
  flow('wrong user POST', async (world) => {
    const link = await world.link()
    expectStatus(await world.bob.post(link.submit, { ...world.secrets.values, 'csrf-token': 'x' }), 403)
    expectStatus(await world.bob.post(link.cancel, world.secrets.values), 403)
  }),
  flow('POST without a sign-in', async (world) => {
    const { submit } = await world.link()
    expectStatus(await world.send({ method: 'POST', path: submit, body: encoded(world.secrets.values) }), 401)
  }),
  flow('a field is missing', (world) => submits(world, 422, { short: '' })),
  flow('wrong pattern', (world) => submits(world, 422, { strict: world.secrets.of('quotes') })),
  flow('too-long value', (world) => submits(world, 422, { strict: world.secrets.of('long') })),
  flow('all together too long', (world) => submits(world, 422, { pem: world.secrets.of('pem').repeat(58) })),
  flow('control characters', (world) =>
    submits(world, 422, { long: `${world.secrets.of('long')}\u0007`, html: `${world.secrets.of('html')}\n` }),
  ),
  flow('address that is none', (world) => submits(world, 422, { secretUrl: `javascript:${world.secrets.of('long')}` })),
  flow('address with user and password', (world) =>
    submits(world, 422, { secretUrl: `https://u:${world.secrets.of('long')}@a.example.com/` }),
  ),
  flow('address at another host', (world) =>
    submits(world, 422, { secretUrl: `https://${world.secrets.of('long')}.example.org/` }),
  ),
  flow('text that is not well-formed', async (world) => {
    const link = await world.link()
    const token = csrfOf((await world.alice.get(link.entry)).text, link)
    const body = `csrf-token=${token}&${encoded(world.secrets.values)}&strict=%ED%A0%80%FF${world.secrets.of('long')}`
    expectStatus(await world.alice.post(link.submit, body), 400)
  }),
  flow('secret as a field name', (world) => submits(world, 400, { [world.secrets.of('html')]: 'x' })),
  flow('field of no variable', (world) => submits(world, 400, { __proto: world.secrets.of('html') })),
  flow('field twice', async (world) => {
    const link = await world.link()
    const token = csrfOf((await world.alice.get(link.entry)).text, link)
    const body = `csrf-token=${token}&${encoded(world.secrets.values)}&${encoded(world.secrets.values)}`
    expectStatus(await world.alice.post(link.submit, body), 400)
  }),
  flow('too many fields', async (world) => {
    const values = Array.from({ length: 100 }, (_, i) => [`f${i}`, world.secrets.of('long')])
    expectStatus(await world.alice.post((await world.link()).submit, Object.fromEntries(values)), 400)
  }),
  flow('CSRF token missing or wrong', async (world) => {
    for (const token of ['', 'x', world.secrets.of('long')]) await submits(world, 403, { 'csrf-token': token })
  }),
  flow('foreign or no origin', async (world) => {
    for (const origin of ['https://evil.example.com', null]) await submits(world, 403, {}, { origin })
    for (const origin of ['null', undefined])
      await submits(world, 403, {}, { ...(origin && { origin }), 'sec-fetch-site': 'cross-site' })
  }),
  flow('used link', async (world) => {
    const link = await world.link()
    const token = csrfOf((await world.alice.get(link.entry)).text, link)
    const fields = { ...world.secrets.values, 'csrf-token': token }
    expectStatus(await world.alice.post(link.submit, fields), 303)
    expectThat((await world.alice.post(link.submit, fields)).status >= 400, 'a refusal')
    expectThat((await world.bob.post(link.submit, fields)).status === 403, 'a refusal')
  }),
  flow('expired link', async (world) => {
    const link = await world.link()
    const token = csrfOf((await world.alice.get(link.entry)).text, link)
    world.faults = { expired: true }
    const late = await world.alice.post(link.submit, { ...world.secrets.values, 'csrf-token': token })
    expectThat(late.status >= 400, 'a refusal')
  }),
  flow('unknown link', async (world) => {
    const path = `/credentials/canary/submit?t=${'A'.repeat(43)}`
    expectStatus(await world.alice.post(path, world.secrets.values), 403)
  }),
  flow('submits at the same time', async (world) => {
    const link = await world.link()
    const token = csrfOf((await world.alice.get(link.entry)).text, link)
    const fields = { ...world.secrets.values, 'csrf-token': token }
    const answers = await Promise.all([1, 2, 3, 4].map(() => world.alice.post(link.submit, fields)))
    expectThat(answers.filter(({ status }) => status === 303).length === 1, 'one that wins')
  }),
  flow('413 by its length', (world) =>
    sends(world, 413, encoded({ ...world.secrets.values, filler: 'x'.repeat(70_000) }), {}),
  ),
  flow('413 in chunks', (world) =>
    sends(world, 413, encoded({ ...world.secrets.values, filler: 'x'.repeat(70_000) }), {
      'transfer-encoding': 'chunked',
    }),
  ),
  flow('415 JSON', (world) => sends(world, 415, JSON.stringify(world.secrets.values), type('application/json'))),
  flow('415 files', (world) =>
    sends(world, 415, multipart(world.secrets.values), type('multipart/form-data; boundary=b')),
  ),
  flow('415 plain text', (world) => sends(world, 415, encoded(world.secrets.values), type('text/plain'))),
  flow('415 compressed', (world) => sends(world, 415, encoded(world.secrets.values), { 'content-encoding': 'gzip' })),
  flow('secret in the query', async (world) => {
    const cookie = cookiesOf(world)
    const { entry, submit } = await world.link()
    for (const query of [encoded(world.secrets.values), `t=${encodeURIComponent(world.secrets.of('html'))}`]) {
      for (const path of [`${entry}&${query}`, `${entry.split('?')[0]}?${query}`]) {
        expectStatus(await world.send({ path, headers: { cookie }, deliberate: true }), 400)
      }
      expectStatus(
        await world.send({ method: 'POST', path: `${submit}&${query}`, headers: { cookie }, deliberate: true }),
        400,
      )
      await world.send({ method: 'HEAD', path: `${entry}&${query}`, headers: { cookie }, deliberate: true })
      await world.send({ method: 'PUT', path: `${entry}&${query}`, headers: { cookie }, deliberate: true })
    }
  }),
  flow('secret in the path', async (world) => {
    const cookie = cookiesOf(world)
    for (const { value } of world.secrets.canaries) {
      const part = encodeURIComponent(value)
      for (const path of [
        `/credentials/${part}`,
        `/credentials/${part}/entry?t=${'A'.repeat(43)}`,
        `/${part}`,
        `/credentials/assets/${part}`,
      ]) {
        const { status } = await world.send({ path, headers: { cookie }, deliberate: true })
        expectThat(status >= 400 && status < 500, 'a refusal')
      }
    }
  }),
  flow('secret in the headers', async (world) => {
    const long = world.secrets.of('long')
    const cookie = `${cookiesOf(world)}; credentials-${world.port}-login=${long}; other=${long}`
    const headers = {
      cookie,
      referer: `${world.baseUrl}/${long}`,
      'user-agent': long,
      'x-forwarded-for': long,
      'x-forwarded-host': long,
      forwarded: `for=${long}`,
      'accept-language': long,
    }
    expectStatus(await world.send({ path: (await world.link()).entry, headers, deliberate: true }), 200)
    expectStatus(
      await world.send({ path: '/credentials/x', headers: { host: `${long}.example.com` }, deliberate: true }),
      421,
    )
  }),
]
