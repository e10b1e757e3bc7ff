import { expect, test } from 'vitest'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { type FormServer, GOOD_VALUES, startFormServer, WEB_KEY } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, hiddenField, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

interface Attack {
  readonly server: FormServer
  readonly alice: Visitor
  readonly endAll: () => Promise<void>
}

const ENDINGS: readonly (readonly [string, (attack: Attack, page: string) => Promise<unknown>])[] = [
  ['endSessions() by an operator', ({ endAll }) => endAll()],
  [
    'sign-out in another tab',
    ({ alice }, page) => alice.post('/credentials/sign-out', { 'csrf-token': hiddenField(page, 'csrf-token') ?? '' }),
  ],
]

test.each(ENDINGS)('a submit that began before %s saves nothing afterwards', async (_name, end) => {
  const sessions = memoryBrowserSessions()
  let whileVerifying = async (): Promise<unknown> => undefined
  const server = await startFormServer({
    sessions,
    provider: {
      verify: async () => {
        await whileVerifying()
        return { ok: true }
      },
    },
  })
  try {
    const link = await server.ask('alice')
    const alice = visitorOf(server)
    await alice.signIn('alice', link)
    const page = (await alice.get(link.entry)).text
    // What `vault.endSessions` does.
    const owner = createSealer(WEB_KEY).mac('owner', server.issuer, 'alice').toString('base64url')
    const endAll = () => sessions.endAll(owner, Date.now() + 1, Date.now() + 3_600_000)
    whileVerifying = () => end({ server, alice, endAll }, page)

    const late = await alice.post(link.submit, { 'csrf-token': csrfOf(page, link), ...GOOD_VALUES })
    expect(late.status).toBe(401)
    expect(headingOf(late.text)).toBe('You are no longer signed in')
    expect(await server.stored('alice')).toBe('absent')

    // The link was not used up.
    whileVerifying = async () => undefined
    await new Promise((resolve) => setTimeout(resolve, 2))
    await alice.signIn('alice', link)
    expect((await alice.submit(link, GOOD_VALUES)).status).toBe(303)
    expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  } finally {
    await server.close()
  }
})
