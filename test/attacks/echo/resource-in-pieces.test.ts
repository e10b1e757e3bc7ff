import { afterAll, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { type HarnessV2, rawLeg, startHarnessV2 } from '../../harness/sdk-v2.ts'

// A resource that is read in chunks: a chunk's end falls into the secret.
const SECRET = 'tok-3f9d2c71e8b04a56'
let harness: HarnessV2
let cut = 9
let make: (uri: string, pieces: readonly string[]) => object[] = () => []
beforeAll(async () => {
  harness = await startHarnessV2({
    tools(server, require, { jira }) {
      server.registerResource(
        'log',
        'notes://log',
        {},
        require.resource(jira, async (uri, extra) => {
          const pat = await jira.getCredentials(extra).use(({ pat }) => pat)
          const text = `authorization: Bearer ${pat}\n`
          const at = text.indexOf(pat) + cut
          return { contents: make(uri.href, [text.slice(0, at), text.slice(at)]) } as never
        }),
      )
    },
  })
  await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: SECRET })
})
afterAll(() => harness.close())

const b64 = (text: string) => Buffer.from(text).toString('base64')
const SHAPES: Readonly<Record<string, typeof make>> = {
  'texts, the same uri': (uri, pieces) => pieces.map((text) => ({ uri, text })),
  'texts, a uri each': (uri, pieces) => pieces.map((text, n) => ({ uri: `${uri}#${n}`, text })),
  'texts with a type': (uri, pieces) => pieces.map((text) => ({ uri, mimeType: 'text/plain', text })),
  'blobs, the same uri': (uri, pieces) => pieces.map((text) => ({ uri, blob: b64(text) })),
  'blobs, a uri each': (uri, pieces) => pieces.map((text, n) => ({ uri: `${uri}#${n}`, blob: b64(text) })),
}

test.each(Object.keys(SHAPES).flatMap((shape) => [8, 9, 10].map((at) => [shape, at] as const)))(
  'a secret split over two %s after %i characters is withheld',
  async (shape, at) => {
    cut = at
    make = SHAPES[shape] ?? make
    const token = await harness.identityProvider.issueAccessToken('alice')
    const answer = await rawLeg(`${harness.baseUrl}/mcp`, token, { method: 'resources/read', tool: 'notes://log' })
    expect(answer.error?.message ?? JSON.stringify(answer.result)).toContain('withheld')
  },
)
