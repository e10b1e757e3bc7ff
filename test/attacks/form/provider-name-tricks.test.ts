import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let link: Link
let alice: Visitor
let token: string

beforeAll(async () => {
  server = await startFormServer()
  link = await server.ask('alice')
  alice = visitorOf(server)
  await alice.signIn('alice', link)
  token = csrfOf((await alice.get(link.entry)).text, link)
})
afterAll(() => server.close())

const NAMES = [
  'JIRA',
  'Jira',
  'jira.',
  'jira%20',
  'jira%00',
  'jira%0d%0a',
  '%256aira',
  'jira%2f',
  'jira%2f..%2fjira',
  'jira%5c',
  'jira;x=1',
  'jira%3bx=1',
  'github%2f..%2fjira',
  'j%C4%B1ra',
  'ji\u200bra'.replace('\u200b', '%E2%80%8B'),
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '*',
]

test.each(NAMES)('the owner of a link opens and sends nothing under the name %s', async (name) => {
  const path = link.entry.replace('/jira/', `/${name}/`)
  const opened = await alice.get(path)
  expect([400, 403, 404]).toContain(opened.status)
  expect(opened.text).not.toContain('name="pat"')
  expect(opened.headers['content-security-policy']).toBeDefined()
  const sent = await alice.post(path.replace('/entry', '/submit'), { 'csrf-token': token, ...GOOD_VALUES })
  expect([400, 403, 404]).toContain(sent.status)
  expect(await server.stored('alice')).toBe('absent')
})

test.each([
  '/credentials//jira/entry',
  '/credentials/./jira/entry',
  '/credentials/x/../jira/entry',
  '/credentials/%2e/jira/entry',
  '//credentials/jira/entry',
  '/CREDENTIALS/jira/entry',
  '/credentials/jira/ENTRY',
  '/credentials/jira/entry/',
  '/credentials/jira/entry/x',
  '/credentials\\jira\\entry',
  '/credentials/jira/entry%3f',
])('the path %s is no other way to the form', async (path) => {
  const opened = await alice.get(`${path}?t=${link.request.handle}`)
  expect(opened.text).not.toContain('name="pat"')
  expect(opened.status === 404 || opened.status === 400 || opened.text === 'the application behind').toBe(true)
})

test('its own name still opens it', async () => {
  expect(headingOf((await alice.get(link.entry)).text)).toBe('Connect Jira')
})
