import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { startFormServer, WEB_KEY } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

test("a login that began before somebody's sessions were ended makes no new one", async () => {
  const sessions = memoryBrowserSessions()
  const server = await startFormServer({ sessions })
  try {
    const link = await server.ask('alice')
    const alice = visitorOf(server)
    const callback = await alice.signInUpToCallback('alice', link)

    // What `vault.endSessions` does.
    await delay(5)
    const now = Date.now()
    const owner = createSealer(WEB_KEY).mac('owner', server.issuer, 'alice').toString('base64url')
    await sessions.endAll(owner, now, now + 3_600_000)
    await delay(5)

    await alice.get(callback)
    expect(headingOf((await alice.get(link.entry)).text)).toBe('Sign in to continue')
  } finally {
    await server.close()
  }
})

test("a login during whose last step somebody's sessions are ended makes no new one either", async () => {
  const sessions = memoryBrowserSessions()
  let whileWriting = async (): Promise<void> => undefined
  const server = await startFormServer({
    sessions,
    wrap: {
      audit: (audit) => ({
        ...audit,
        async append(event) {
          if (event.type === 'login.succeeded') await whileWriting()
          return audit.append(event)
        },
      }),
    },
  })
  try {
    const link = await server.ask('alice')
    const alice = visitorOf(server)
    const owner = createSealer(WEB_KEY).mac('owner', server.issuer, 'alice').toString('base64url')
    whileWriting = async () => {
      await sessions.endAll(owner, Date.now() + 1, Date.now() + 3_600_000)
      await delay(5)
    }
    await alice.signIn('alice', link)
    expect(headingOf((await alice.get(link.entry)).text)).toBe('Sign in to continue')
  } finally {
    await server.close()
  }
})
