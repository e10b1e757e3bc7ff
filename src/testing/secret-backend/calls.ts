import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import type {
  BackendCall,
  CredentialStatus,
  RevokeIntent,
  SecretBackend,
  StoredVersion,
  WriteIntent,
} from '../../core/ports/secret-backend.ts'

/** Makes calls like core does, with defaults for parts that a test does not need. */
export function call(signal: AbortSignal = AbortSignal.timeout(20_000)): BackendCall {
  return { signal, correlationId: randomUUID() }
}

export function put(
  backend: SecretBackend,
  key: StorageKey,
  values: CredentialValues,
  intent: Partial<WriteIntent> = {},
): Promise<StoredVersion> {
  const whole = { expect: 'any', audit: { writer: 'suite', seq: 1 }, operationId: randomUUID(), ...intent } as const
  return backend.write(key, values, whole, call())
}

export function remove(backend: SecretBackend, key: StorageKey, intent: Partial<RevokeIntent> = {}): Promise<boolean> {
  return backend.revoke(key, { expect: 'any', purge: false, operationId: randomUUID(), ...intent }, call())
}

export async function statusOfAll(backend: SecretBackend): Promise<Map<string, string>> {
  const statuses = new Map<string, string>()
  for await (const { key, status } of backend.list(call())) statuses.set(key.path, status.status)
  return statuses
}

/** Expects a `conflict` and that the error contains none of the values. */
export async function conflict(attempt: Promise<unknown>): Promise<void> {
  await assert.rejects(attempt, (error) => {
    assert.ok(isCredentialVaultError(error, 'conflict'), inspect(error))
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('pat:'))
    return true
  })
}

/** Expects that one of these attempts to save `attempt 0`, `attempt 1` … succeeded, and that the others are conflicts. */
export async function oneWinner(
  attempts: readonly Promise<StoredVersion>[],
  backend: SecretBackend,
  key: StorageKey,
): Promise<void> {
  const settled = await Promise.allSettled(attempts)
  const winners = settled.flatMap((attempt, index) => (attempt.status === 'fulfilled' ? [index] : []))
  assert.equal(winners.length, 1)
  for (const attempt of settled) {
    if (attempt.status === 'rejected')
      assert.ok(isCredentialVaultError(attempt.reason, 'conflict'), String(attempt.reason))
  }
  assert.deepEqual(await valuesOf(backend, key), { pat: `attempt ${winners[0]}` })
}

export async function valuesOf(backend: SecretBackend, key: StorageKey): Promise<CredentialValues> {
  const found = await backend.read(key, call())
  assert.equal(found.status, 'active')
  return found.status === 'active' ? ({ ...found.values } as CredentialValues) : {}
}

export function refOf(status: CredentialStatus): string | undefined {
  return status.status === 'absent' ? undefined : status.version.ref
}
