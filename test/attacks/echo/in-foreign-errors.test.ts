import { createContext, runInContext } from 'node:vm'
import { expect, test } from 'vitest'
import { probedTool, SECRET } from '../calls/probed-tool.ts'

const { run } = probedTool()

const realm = createContext({})

/** What a service's client may throw; the SDK shows `message`, or `String(error)` of what is no error. */
const THROWN: Readonly<Record<string, (pat: string) => unknown>> = {
  'an error of another realm': (pat) => runInContext('(text) => new Error("401 for " + text)', realm)(pat),
  'an object with a toString of its own': (pat) => ({ toString: () => `401 for ${pat}` }),
  'an object with a toPrimitive': (pat) => ({ [Symbol.toPrimitive]: () => `401 for ${pat}` }),
  'an error whose message is a getter of its class': (pat) =>
    new (class extends Error {
      override get message() {
        return `401 for ${pat}`
      }
    })(),
  'an error that shows its message only the second time': (pat) => {
    let reads = 0
    return Object.defineProperty(new Error(), 'message', { get: () => (reads++ < 1 ? 'failed' : `401 for ${pat}`) })
  },
  'an object that shows itself only the second time': (pat) => {
    let reads = 0
    return { toString: () => (reads++ < 1 ? 'failed' : `401 for ${pat}`) }
  },
  'a proxy of an error': (pat) => {
    let reads = 0
    return new Proxy(new Error('failed'), {
      get: (error, name) => (name === 'message' && reads++ > 0 ? `401 for ${pat}` : Reflect.get(error, name)),
    })
  },
  'a proxy whose traps throw the secret': (pat) => {
    const refuse = () => {
      throw new Error(`401 for ${pat}`)
    }
    return new Proxy(new Error('failed'), { get: refuse, has: refuse, getPrototypeOf: refuse })
  },
  'an error whose data changes': (pat) => {
    let reads = 0
    return Object.defineProperty(new Error('failed'), 'data', { get: () => (reads++ < 1 ? {} : { pat }) })
  },
}

test.each(Object.entries(THROWN))('%s takes no secret out of the call', async (_, make) => {
  const seen = await run(({ handle }) =>
    handle.use(({ pat }) => {
      throw make(pat)
    }),
  )
  expect(seen).toContain('"isError":true')
  expect(seen).not.toContain(SECRET)
})

test.each([
  ['an error', () => new Error('Jira answered 500')],
  ['an error of another realm', () => runInContext('new Error("Jira answered 500")', realm)],
  ['an object with a toString', () => ({ toString: () => 'Jira answered 500' })],
  ['a text', () => 'Jira answered 500'],
])('%s without a secret reaches the client with its words', async (_, make) => {
  const seen = await run(({ handle }) =>
    handle.use(() => {
      throw make()
    }),
  )
  expect(seen).toContain('Jira answered 500')
})
