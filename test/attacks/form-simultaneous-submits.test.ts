import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../web/form-server.ts'
import { csrfOf, headingOf, visitorOf } from '../web/visitor.ts'

let server: FormServer
let saves = 0
let release: () => void = () => {}

beforeAll(async () => {
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  server = await startFormServer({
    provider: {
      save: async () => {
        saves += 1
        await held
      },
    },
  })
})
afterAll(() => server.close())

test('of three submits at once one saves, and the others are told so', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const token = csrfOf((await alice.get(link.entry)).text, link)
  const attempts = ['one', 'two', 'three'].map((pat) =>
    alice.post(link.submit, { ...GOOD_VALUES, 'csrf-token': token, pat }),
  )
  const first = await Promise.race(attempts)
  expect(first.status).toBe(409)
  expect(headingOf(first.text)).toBe('This is being saved right now')
  // Nor can it be cancelled under the winner's hands.
  expect((await alice.post(link.cancel, { 'csrf-token': token })).status).toBe(409)
  release()
  const statuses = (await Promise.all(attempts)).map(({ status }) => status).sort()
  expect(statuses).toEqual([303, 409, 409])
  expect(saves).toBe(1)
  expect(headingOf((await alice.get(link.done)).text)).toBe('Jira is connected')
})
