import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, type Link, PAT, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let alice: Visitor
let link: Link
let good: string

beforeAll(async () => {
  server = await startFormServer()
  link = await server.ask('alice')
  alice = visitorOf(server)
  await alice.signIn('alice', link)
  const token = csrfOf((await alice.get(link.entry)).text, link)
  good = new URLSearchParams({ 'csrf-token': token, ...GOOD_VALUES }).toString()
})
afterAll(() => server.close())

const EXTRAS = [
  'pat=again',
  'pat%5B%5D=x',
  'pat[0]=x',
  'site[host]=x',
  'site.host=x',
  '__proto__[polluted]=1',
  '__proto__=1',
  'constructor=1',
  'toString=1',
  'unknown=1',
  '=1',
]

test.each(EXTRAS.map((extra, index) => [extra, `person-${index}`] as const))(
  'a form with %s besides its own fields is refused and nothing is saved',
  async (extra, person) => {
    const other = await server.ask(person)
    const visitor = visitorOf(server)
    await visitor.signIn(person, other)
    const token = csrfOf((await visitor.get(other.entry)).text, other)
    const body = `csrf-token=${token}&${new URLSearchParams(GOOD_VALUES)}&${extra}`
    expect((await visitor.post(other.submit, body)).status).toBe(400)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
    expect(await server.stored(person)).toBe('absent')
  },
)

test.each([
  ['[pat]', 'person-11'],
  ['%5Bpat%5D', 'person-12'],
  ['?pat', 'person-13'],
])('a field named %s does not pass for pat', async (name, person) => {
  const other = await server.ask(person)
  const visitor = visitorOf(server)
  await visitor.signIn(person, other)
  const token = csrfOf((await visitor.get(other.entry)).text, other)
  const body = `csrf-token=${token}&${new URLSearchParams(GOOD_VALUES)}`.replace(/\bpat=/, `${name}=`)
  expect((await visitor.post(other.submit, body)).status).toBe(400)
  expect(await server.stored(person)).toBe('absent')
})

test.each([
  ['t twice', (path: string) => `${path}&t=${'a'.repeat(43)}`],
  ['t twice, the same', (path: string) => `${path}&${path.split('?')[1]}`],
  ['t as an array', (path: string) => path.replace('?t=', '?t[]=')],
  ['a field in the query', (path: string) => `${path}&pat=${PAT}`],
  ['a parameter that nobody asked for', (path: string) => `${path}&next=//evil.example.com`],
  ['no t', (path: string) => path.split('?')[0] ?? ''],
  ['an empty t', (path: string) => path.replace(/t=.*/, 't=')],
  ['a short t', (path: string) => path.slice(0, -1)],
  ['a long t', (path: string) => `${path}A`],
  ['a t with a line break', (path: string) => `${path}%0a`],
  ['an encoded name', (path: string) => path.replace('/jira/', '/jira%2f..%2fjira/')],
  ['a name in capitals', (path: string) => path.replace('/jira/', '/JIRA/')],
])('a link with %s is refused, and its parameters are not repeated', async (_name, change) => {
  for (const path of [link.entry, link.done]) {
    const { status, text } = await alice.get(change(path))
    expect(status).toBe(400)
    expect(text).not.toContain(PAT)
    expect(text).not.toContain('evil.example.com')
  }
  for (const path of [link.submit, link.cancel]) expect((await alice.post(change(path), good)).status).toBe(400)
  expect(await server.stored('alice')).toBe('absent')
})
