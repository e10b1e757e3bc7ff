import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { encodePart, isProviderName, storageKey } from '../../../src/core/model/storage-key.ts'
import { createPendingRequests } from '../../../src/core/requests/pending-requests.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { linkPath, linkTarget, linkTargetOf, siteOf } from '../../../src/web/http/site.ts'
import { mustHold, target } from '../target.ts'
import { anyText, anyValue, textLike } from '../texts.ts'

await sodiumReady()
const requests = createPendingRequests({
  store: memoryPendingStore(),
  sealer: createSealer(randomBytes(32)),
  linkTtlSeconds: 600,
})
const owner = { issuer: 'https://login.example.com', subject: 'alice' }
const { handle } = await requests.openOrReuse({ provider: 'jira', user: owner, cause: 'absent' })
const site = siteOf(new URL('https://mcp.example.com/base'))

const providerName = textLike('jira', 'a-b-c', 'x'.repeat(40), 'github-2')
const identity = textLike('alice', 'https://login.example.com', 'a/b', 'x'.repeat(255), 'auth0|1234', '..', 'a.b')

export const links = [
  target(
    'link: provider and handle',
    fc.tuple(fc.oneof(providerName, anyValue()), fc.oneof(textLike(handle), anyValue())),
    ([provider, text]) => {
      const found = linkTarget(provider, text)
      if (!found) return
      mustHold(isProviderName(found.provider) && /^[\w-]{43}$/.test(found.handle), 'a link of another shape')
      const url = new URL(linkPath(site, 'entry', found), site.origin)
      mustHold(
        url.pathname === `/base/credentials/${provider}/entry` && url.searchParams.get('t') === text,
        'another link',
      )
    },
    { weight: 60 },
  ),
  target(
    'link: query',
    textLike(`t=${handle}`, `?t=${handle}&t=x`, `t=${handle}&u=1`),
    (query) => {
      const found = linkTargetOf('jira', query)
      mustHold(found === undefined || query.includes('t='), 'a link from nothing')
    },
    { weight: 60 },
  ),
  target(
    'link: finding its request',
    textLike(handle),
    async (text) => {
      const found = await requests.find(text)
      mustHold((found !== undefined) === (text === handle), 'another handle finds the request')
    },
    { weight: 40 },
  ),
  target(
    'provider name and owner as storage key',
    fc.tuple(providerName, identity, identity),
    ([provider, issuer, subject]) => {
      const { path } = storageKey(provider, { issuer, subject })
      mustHold(/^[a-z0-9-]+(?:@[a-z0-9-]+)?(?:\/[A-Za-z0-9@._-]+){2}$/.test(path), `an unsafe path: ${path}`)
      mustHold(
        path.split('/').every((part) => !/^\.+$|\.$/.test(part)),
        `an unsafe part: ${path}`,
      )
    },
    { weight: 60 },
  ),
  target(
    'storage keys of two owners',
    fc.tuple(fc.oneof(identity, anyText), fc.oneof(identity, anyText)).filter(([a, b]) => isWellFormed(a + b)),
    ([a, b]) => mustHold(a === b || encodePart(a) !== encodePart(b), 'two owners share a name'),
    { weight: 40 },
  ),
]

function isWellFormed(text: string): boolean {
  return Buffer.from(text).toString() === text
}
