import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, type Link, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'

/** Milliseconds that a line takes unless the answer comes first: an answer that waits for its line comes as late as this. */
const APPEND = 5_000

let held = Promise.resolve()
let server: FormServer
let links: Record<'foreign' | 'unknown', Link>

beforeAll(async () => {
  server = await startFormServer({
    wrap: {
      audit: (audit) => ({
        append: async (event) => {
          await held
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
  const measured = new Map<string, { readonly status: number; readonly waited: boolean }>()
  for (const [kind, link] of Object.entries(links)) {
    let waited = false
    let answered = () => {}
    held = new Promise((resolve) => {
      const late = setTimeout(() => {
        waited = true
        resolve()
      }, APPEND)
      answered = () => {
        clearTimeout(late)
        resolve()
      }
    })
    const { status } = await bob.get(link.entry)
    measured.set(kind, { status, waited })
    answered()
  }
  expect(measured.get('foreign')).toEqual(measured.get('unknown'))
})
