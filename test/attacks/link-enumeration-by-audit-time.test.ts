import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, type Link, startFormServer } from '../web/form-server.ts'
import { visitorOf } from '../web/visitor.ts'

/** Milliseconds of one durable line: a disk's, or a log server's. */
const APPEND = 120

let server: FormServer
let links: Record<'foreign' | 'unknown', Link>

beforeAll(async () => {
  server = await startFormServer({
    wrap: {
      audit: (audit) => ({
        append: async (event) => {
          await new Promise((resolve) => setTimeout(resolve, APPEND))
          return audit.append(event)
        },
        close: () => audit.close(),
      }),
    },
  })
  const foreign = await server.ask('alice')
  const nobody = randomBytes(32).toString('base64url')
  const swap = (text: string) => text.replace(foreign.request.handle, nobody)
  links = { foreign, unknown: { ...foreign, entry: swap(foreign.entry) } }
})
afterAll(() => server.close())

test('who is somebody else cannot tell a known link from an unknown one by the time of the answer', async () => {
  const bob = visitorOf(server)
  await bob.signIn('bob', await server.ask('bob'))
  const measured = new Map<string, { readonly status: number; readonly slow: boolean }>()
  for (const [kind, link] of Object.entries(links)) {
    const before = performance.now()
    const { status } = await bob.get(link.entry)
    measured.set(kind, { status, slow: performance.now() - before > APPEND / 2 })
  }
  expect(measured.get('foreign')).toEqual(measured.get('unknown'))
})
