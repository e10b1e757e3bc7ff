import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { openReference, sealReference } from '../../../src/core/credentials/credential-reference.ts'
import { createSealer, equalText } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'

await sodiumReady()
const sealer = createSealer(randomBytes(32))
const later = () => Date.now() + 60_000

describe('sealed texts', () => {
  test('come back whole, for their purpose and key alone', () => {
    const sealed = sealer.seal('session-cookie', { sid: 'x' }, later())
    expect(sealer.open('session-cookie', sealed)).toEqual({ sid: 'x' })
    expect(sealer.open('login-cookie', sealed)).toBeUndefined()
    expect(createSealer(randomBytes(32)).open('session-cookie', sealed)).toBeUndefined()
  })

  test('do not open once they have expired', () => {
    const sealed = sealer.seal('session-cookie', {}, Date.now() + 1000)
    vi.useFakeTimers({ now: Date.now() + 1000 })
    try {
      expect(sealer.open('session-cookie', sealed)).toBeUndefined()
    } finally {
      vi.useRealTimers()
    }
  })

  test('do not open when any bit was changed, or in another spelling', () => {
    const sealed = sealer.seal('reference', { a: 1 }, later())
    const bytes = Buffer.from(sealed, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit += 7) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(sealer.open('reference', changed.toString('base64url'))).toBeUndefined()
    }
    expect(sealer.open('reference', `${sealed}=`)).toBeUndefined()
    expect(sealer.open('reference', `${sealed}\n`)).toBeUndefined()
  })

  test('no input makes opening throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => sealer.open('reference', text) === undefined))
    expect(sealer.open('reference', 'A'.repeat(1_000_000))).toBeUndefined()
  })
})

describe('keyed hashes', () => {
  test('differ by purpose and by where one part ends', () => {
    const all = [
      sealer.mac('owner', 'ab', 'c'),
      sealer.mac('owner', 'a', 'bc'),
      sealer.mac('owner', 'abc'),
      sealer.mac('slot', 'ab', 'c'),
    ]
    expect(new Set(all.map((mac) => mac.toString('hex'))).size).toBe(4)
  })
})

test('texts of different lengths compare as different, not as an error', () => {
  expect(equalText('a', 'a')).toBe(true)
  expect(equalText('a', 'aa')).toBe(false)
})

describe('credential references', () => {
  const alice = { issuer: 'https://login.example.com', subject: 'alice' }
  const reference = sealReference(sealer, { provider: 'jira', owner: alice }, later())

  test('contain nothing readable', () => {
    expect(reference).toMatch(/^[A-Za-z0-9_-]+$/)
    expect(Buffer.from(reference, 'base64url').toString('latin1')).not.toMatch(/jira|alice|login/)
  })

  test('open for their owner and provider alone', () => {
    expect(openReference(sealer, reference, new Set(['jira']), alice)?.owner).toEqual(alice)
    expect(openReference(sealer, reference, new Set(['gitlab']), alice)).toBeUndefined()
    expect(openReference(sealer, reference, new Set(['jira']), { ...alice, subject: 'bob' })).toBeUndefined()
    expect(
      openReference(sealer, reference, new Set(['jira']), { ...alice, issuer: 'https://other.example.com' }),
    ).toBeUndefined()
  })

  test('a sealed text for something else is none', () => {
    expect(
      openReference(
        sealer,
        sealer.seal('session-cookie', { provider: 'jira', ...alice }, later()),
        new Set(['jira']),
        alice,
      ),
    ).toBeUndefined()
    expect(
      openReference(
        sealer,
        sealer.seal('reference', { provider: 'jira', ...alice, more: 1 }, later()),
        new Set(['jira']),
        alice,
      ),
    ).toBeUndefined()
  })
})
