import { afterEach, expect, test, vi } from 'vitest'
import { type FormServer, GOOD_VALUES, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

// A claim lapses after a minute, and the wait for the line that announces a save has no deadline: a disk or log server that hangs
// longer lets somebody else have the link while the first submit still means to save.
let server: FormServer
let link: Link
let alice: Visitor
let token: string

afterEach(async () => {
  vi.useRealTimers()
  await server.close()
})

/** Submits, and resolves once the log hangs at the line `credential.storing`. The function lets it go on and waits for the answer. */
async function submitIntoHangingLog(values: Readonly<Record<string, string>>) {
  server = await startFormServer()
  link = await server.ask('alice')
  alice = visitorOf(server)
  await alice.signIn('alice', link)
  token = csrfOf((await alice.get(link.entry)).text, link)

  let goOn = () => {}
  const { audit } = server
  const append = audit.append.bind(audit)
  const hanging = new Promise<void>((reached) => {
    audit.append = async (event) => {
      if (event.type !== 'credential.storing') return append(event)
      audit.append = append
      reached()
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
      return append(event)
    }
  })
  const submitted = alice.post(link.submit, { 'csrf-token': token, ...values })
  await hanging
  return async () => {
    goOn()
    return submitted
  }
}

test('what was cancelled is not saved afterwards', async () => {
  const goOn = await submitIntoHangingLog(GOOD_VALUES)
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] })
  const cancelled = await alice.post(link.cancel, { 'csrf-token': token })
  expect(headingOf(cancelled.text)).toBe('Cancelled')
  expect(cancelled.text).toContain('Nothing was saved')
  await goOn()
  expect(await server.stored('alice')).toBe('absent')
})

test('one link saves once: the later submit is not overwritten by the one before it', async () => {
  const goOn = await submitIntoHangingLog({ ...GOOD_VALUES, pat: 'the-mistyped-token' })
  vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] })
  expect((await alice.post(link.submit, { 'csrf-token': token, ...GOOD_VALUES })).status).toBe(303)
  await goOn()
  expect(server.audit.events.filter(({ type }) => type === 'credential.stored')).toHaveLength(1)
  expect(await server.stored('alice')).toMatchObject(GOOD_VALUES)
})
