import { expect, test } from 'vitest'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, visitorOf } from '../../harness/browser/visitor.ts'

/** A server whose memory can be lost while its address and keys stay, as with a restart. */
async function restartable(): Promise<{ readonly server: FormServer; restart(): Promise<void> }> {
  let store = memoryPendingStore()
  let sessions = memoryBrowserSessions()
  const pendingStore: PendingStore = new Proxy(store, { get: (_target, name) => Reflect.get(store, name) })
  const server = await startFormServer({
    pendingStore,
    sessions: new Proxy(sessions, { get: (_target, name) => Reflect.get(sessions, name) }),
  })
  return {
    server,
    async restart() {
      await new Promise((resolve) => setTimeout(resolve, 2))
      store = memoryPendingStore()
      sessions = memoryBrowserSessions()
    },
  }
}

const textOf = (html: string) => /<main[^>]*>([\s\S]*)<\/main>/.exec(html)?.[1]?.replace(/<[^>]+>/g, ' ') ?? ''

test('a restart while a form is open: no page promises that the link works, and the last says to ask again', async () => {
  const { server, restart } = await restartable()
  try {
    const link = await server.ask('alice')
    const alice = visitorOf(server)
    await alice.signIn('alice', link)
    const form = (await alice.get(link.entry)).text
    await restart()

    const sent = await alice.post(link.submit, { 'csrf-token': csrfOf(form, link), ...GOOD_VALUES })
    expect(sent.status).toBe(401)
    expect(headingOf(sent.text)).toBe('You are no longer signed in')
    expect(textOf(sent.text)).toContain('Nothing was saved.')
    expect(textOf(sent.text)).not.toContain('still works')

    await alice.signIn('alice', link)
    const lost = await alice.get(link.entry)
    expect(lost.status).toBe(403)
    expect(headingOf(lost.text)).toBe('This link does not work for this account')
    expect(textOf(lost.text)).toContain('Ask your assistant for it again')
    expect(textOf(lost.text)).not.toMatch(/do not continue|in their hands/)
  } finally {
    await server.close()
  }
})

test("what the page says of a lost link is what it says of somebody else's", async () => {
  const { server, restart } = await restartable()
  try {
    const lost = await server.ask('alice')
    await restart()
    const foreign = await server.ask('bob')
    const alice = visitorOf(server)
    await alice.signIn('alice', lost)
    const pages = [await alice.get(lost.entry), await alice.get(foreign.entry)]
    expect(pages.map(({ status }) => status)).toEqual([403, 403])
    expect(textOf(pages[0]?.text ?? '')).toBe(textOf(pages[1]?.text ?? ' '))
  } finally {
    await server.close()
  }
})

test('an outage of the identity provider promises nothing of the link either', async () => {
  const server = await startFormServer()
  try {
    const link = await server.ask('alice')
    const alice = visitorOf(server)
    const callback = await alice.signInUpToCallback('alice', link)
    server.provider?.stopAnswering()
    const page = await alice.get(callback)
    expect(page.status).toBe(503)
    expect(textOf(page.text)).not.toContain('still works')
  } finally {
    await server.close()
  }
})
