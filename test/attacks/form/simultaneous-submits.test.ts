import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let saves = 0
let release: () => void = () => {}

beforeAll(async () => {
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  server = await startFormServer({
    save: async () => {
      saves += 1
      await held
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

test('three submits that have all passed every check before one of them saves still save once', async () => {
  let arrived = 0
  let count = 0
  let open: () => void = () => {}
  const all = new Promise<void>((resolve) => {
    open = resolve
  })
  const other = await startFormServer({
    provider: {
      verify: async () => {
        arrived += 1
        if (arrived === 3) open()
        await all
        return { ok: true }
      },
    },
    save: async () => {
      count += 1
    },
  })
  try {
    const link = await other.ask('alice')
    const alice = visitorOf(other)
    await alice.signIn('alice', link)
    const token = csrfOf((await alice.get(link.entry)).text, link)
    const fields = { ...GOOD_VALUES, 'csrf-token': token }
    const answers = await Promise.all([1, 2, 3].map(() => alice.post(link.submit, fields)))
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409, 409])
    expect(count).toBe(1)
  } finally {
    await other.close()
  }
})

test('a cancel that comes between the check and the claim of a submit cancels nothing', async () => {
  const other = await startFormServer({
    wrap: { pendingRequests: (requests) => ({ ...requests, claim: async () => undefined }) },
  })
  try {
    const link = await other.ask('alice')
    const alice = visitorOf(other)
    await alice.signIn('alice', link)
    const token = csrfOf((await alice.get(link.entry)).text, link)
    expect((await alice.post(link.cancel, { 'csrf-token': token })).status).toBe(409)
    expect((await other.pendingRequests.find(link.request.handle))?.state).toBe('open')
  } finally {
    await other.close()
  }
})
