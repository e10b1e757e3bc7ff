import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  encodePart,
  isProviderName,
  meansProvider,
  providerName,
  storageKey,
} from '../../../src/core/model/storage-key.ts'
import { thrownError } from '../../harness/thrown-error.ts'

const issuer = 'https://login.example.com'

describe('encodePart', () => {
  test.each([
    ['alice@example.com', 'alice@example.com'],
    ['auth0|abc', 'auth0_7cabc'],
    ['..', '_2e_2e'],
    ['a_b', 'a_5fb'],
    ['ends.', 'ends_2e'],
    ['é', '_c3_a9'],
  ])('%s becomes %s', (text, encoded) => {
    expect(encodePart(text)).toBe(encoded)
  })

  test('different texts never share a name, and no name changes when a URL carries it', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(text, text, (a, b) => {
        const encoded = encodePart(a)
        expect(encoded === encodePart(b)).toBe(a === b)
        expect(encoded).toMatch(/^[A-Za-z0-9@._-]{1,120}$/)
        expect(new URL(`https://vault/v1/${encoded}/end`).pathname).toBe(`/v1/${encoded}/end`)
      }),
      { numRuns: 2000 },
    )
  })

  test('a long text is hashed, and no readable name looks like a hash', () => {
    expect(encodePart('x'.repeat(121))).toMatch(/^_h[a-z2-7]{52}$/)
    expect(encodePart('_h')).toBe('_5fh')
  })
})

describe('storageKey', () => {
  test('is provider, issuer and subject, so that two issuers never share a name', () => {
    const key = storageKey('jira', { issuer, subject: 'alice' })
    expect(key.path).toBe('jira/https_3a_2f_2flogin.example.com/alice')
    expect(storageKey('jira', { issuer: 'https://other.example.com', subject: 'alice' }).path).not.toBe(key.path)
  })

  test.each(['', 'Jira', '../x', 'a--b', '-a', 'a'.repeat(41), '__proto__'])('refuses the provider name %j', (name) => {
    expect(thrownError(() => storageKey(name, { issuer, subject: 'alice' }))).toMatchObject({
      code: 'configuration_invalid',
    })
  })

  test.each([
    ['', 'subject_missing'],
    ['a'.repeat(256), 'subject_too_long'],
    ['a\nb', 'subject_malformed'],
    ['\ud800', 'subject_malformed'],
  ])('refuses the subject %j', (subject, reason) => {
    expect(thrownError(() => storageKey('jira', { issuer, subject }))).toMatchObject({ code: 'owner_unknown', reason })
  })

  test('an account has a name of its own, and the account without a name keeps the key that it has always had', () => {
    const alice = { issuer, subject: 'alice' }
    expect(providerName('jira', undefined)).toBe('jira')
    expect(storageKey(providerName('jira', 'work'), alice).path).toBe('jira@work/https_3a_2f_2flogin.example.com/alice')
    const lookalikes = [
      storageKey('jira', alice),
      storageKey('jira@work', alice),
      storageKey('jira-work', alice),
      storageKey('jira', { issuer, subject: 'alice@work' }),
      storageKey('work', alice),
    ]
    expect(new Set(lookalikes.map(({ path }) => path)).size).toBe(lookalikes.length)
  })

  test.each(['@', 'jira@', '@work', 'jira@Work', 'jira@a@b', 'jira@../x', `jira@${'a'.repeat(41)}`, 'jira@work/x'])(
    'refuses the name %j',
    (name) => {
      expect(isProviderName(name)).toBe(false)
      expect(thrownError(() => storageKey(name, { issuer, subject: 'alice' }))).toMatchObject({
        reason: 'provider_name',
      })
    },
  )

  test.each([
    ['jira', 'jira', true],
    ['jira', 'jira@work', true],
    ['jira@work', 'jira@work', true],
    ['jira@work', 'jira', false],
    ['jira@work', 'jira@workshop', false],
    ['jira', 'jira-cloud', false],
    ['jira', 'jira2@work', false],
  ])('an operator who names %s means %s: %s', (wanted, provider, expected) => {
    expect(meansProvider(wanted, provider)).toBe(expected)
  })

  test('keeps case and Unicode form apart', () => {
    const paths = ['Alice', 'alice', 'é', 'e\u0301'].map((subject) => storageKey('jira', { issuer, subject }).path)
    expect(new Set(paths).size).toBe(4)
  })
})
