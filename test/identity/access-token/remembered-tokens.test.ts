import { beforeEach, expect, test, vi } from 'vitest'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { Principal } from '../../../src/core/ports/identity.ts'
import { rememberTokens } from '../../../src/identity/access-token/remembered-tokens.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')

beforeEach(() => {
  vi.useFakeTimers({ now: NOW })
  return () => void vi.useRealTimers()
})

function principalOf(subject: string, expiresAt?: number): Principal {
  return { issuer: 'https://login.example.com', subject, scopes: [], ...(expiresAt !== undefined && { expiresAt }) }
}

test('a token is verified once within its time, and again after it', async () => {
  const verify = vi.fn(async (token: string) => principalOf(token))
  const remembered = rememberTokens(verify, { milliseconds: 30_000 })
  expect((await remembered('alice')).subject).toBe('alice')
  vi.setSystemTime(NOW + 29_999)
  expect((await remembered('alice')).subject).toBe('alice')
  expect(verify).toHaveBeenCalledTimes(1)
  vi.setSystemTime(NOW + 30_000)
  await remembered('alice')
  expect(verify).toHaveBeenCalledTimes(2)
})

test('no token is believed for another, however alike', async () => {
  const remembered = rememberTokens(async (token) => principalOf(token), { milliseconds: 30_000 })
  for (const token of ['alice', 'alicE', 'alice ', 'alice\0', '']) expect((await remembered(token)).subject).toBe(token)
  for (const token of ['', 'alice\0', 'alice ', 'alicE', 'alice']) expect((await remembered(token)).subject).toBe(token)
})

test('a token is verified anew once its own time is over', async () => {
  const verify = vi.fn(async (token: string) => principalOf(token, NOW / 1000 + 5))
  const remembered = rememberTokens(verify, { milliseconds: 30_000 })
  await remembered('alice')
  vi.setSystemTime(NOW + 4_999)
  await remembered('alice')
  expect(verify).toHaveBeenCalledTimes(1)
  vi.setSystemTime(NOW + 5_000)
  await remembered('alice')
  expect(verify).toHaveBeenCalledTimes(2)
})

test('a clock that is set back ends what was remembered', async () => {
  const verify = vi.fn(async (token: string) => principalOf(token))
  const remembered = rememberTokens(verify, { milliseconds: 30_000 })
  await remembered('alice')
  vi.setSystemTime(NOW - 1)
  await remembered('alice')
  expect(verify).toHaveBeenCalledTimes(2)
})

test('a refusal is not remembered', async () => {
  const verify = vi.fn<(token: string) => Promise<Principal>>()
  verify.mockRejectedValueOnce(new CredentialVaultError('unavailable', 'away'))
  verify.mockResolvedValueOnce(principalOf('alice'))
  const remembered = rememberTokens(verify, { milliseconds: 30_000 })
  await expect(remembered('alice')).rejects.toThrow('away')
  expect((await remembered('alice')).subject).toBe('alice')
})

test('the oldest token makes room, and 0 remembers none', async () => {
  const verify = vi.fn(async (token: string) => principalOf(token))
  const remembered = rememberTokens(verify, { milliseconds: 30_000, maxTokens: 2 })
  for (const token of ['a', 'b', 'c', 'c', 'b', 'a']) await remembered(token)
  expect(verify.mock.calls.map(([token]) => token)).toEqual(['a', 'b', 'c', 'a'])
  verify.mockClear()
  const always = rememberTokens(verify, { milliseconds: 0 })
  await always('a')
  await always('a')
  expect(verify).toHaveBeenCalledTimes(2)
})

test('a token is verified anew when the keys are others than before its verification, and where there were none', async () => {
  let keys: object | undefined
  const verify = vi.fn(async (token: string) => principalOf(token))
  const remembered = rememberTokens(verify, { milliseconds: 30_000, verifiedWith: () => keys })
  await remembered('alice')
  keys = {}
  await remembered('alice')
  await remembered('alice')
  expect(verify).toHaveBeenCalledTimes(2)
  verify.mockImplementationOnce(async (token) => {
    keys = {}
    return principalOf(token)
  })
  await remembered('bob')
  for (const token of ['bob', 'alice', 'bob', 'alice']) await remembered(token)
  expect(verify).toHaveBeenCalledTimes(5)
})
