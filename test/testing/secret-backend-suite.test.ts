import { expect, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { describeSecretBackend } from '../../src/testing/secret-backend/suite.ts'

/** Runs the suite over a backend and gives the promises that it breaks. */
async function brokenBy(spoil: (backend: SecretBackend) => Partial<SecretBackend>): Promise<string[]> {
  const checks: [string, () => Promise<void>][] = []
  describeSecretBackend({
    test: (name, run) => checks.push([name, run]),
    async makeHarness() {
      const real = memoryBackend()
      const backend = { ...real, ...spoil(real) }
      return { here: backend, there: backend, close: () => real.close() }
    },
  })
  const broken: string[] = []
  for (const [name, run] of checks) await run().catch(() => broken.push(name.replace('secret backend: ', '')))
  return broken
}

test('a good backend breaks no promise', async () => {
  expect(await brokenBy(() => ({}))).toEqual([])
})

const DEFECTS: Record<string, { spoil: (backend: SecretBackend) => Partial<SecretBackend>; breaks: RegExp }> = {
  'keyed by subject alone': {
    spoil: (real) => {
      const flat = (key: Parameters<SecretBackend['read']>[0]) =>
        storageKey('jira', { issuer: 'https://one.example', subject: key.owner.subject })
      return {
        read: (key, call) => real.read(flat(key), call),
        write: (key, values, intent, call) => real.write(flat(key), values, intent, call),
      }
    },
    breaks: /no two owners/,
  },
  'folding case': {
    spoil: (real) => ({
      write: (key, values, intent, call) =>
        real.write(
          storageKey(key.provider, { ...key.owner, subject: key.owner.subject.toLowerCase() }),
          values,
          intent,
          call,
        ),
    }),
    breaks: /no two owners/,
  },
  'ignoring expectations': {
    spoil: (real) => ({
      write: (key, values, intent, call) => real.write(key, values, { ...intent, expect: 'any' }, call),
    }),
    breaks: /expects nothing loses.*expects a version loses.*first saves one wins.*one version one wins/,
  },
  'taking revoked for absent': {
    spoil: (real) => ({ revoke: (key, intent, call) => real.revoke(key, { ...intent, purge: true }, call) }),
    breaks: /revoked credential says so/,
  },
  'keeping the mark of a purge': {
    spoil: (real) => ({ revoke: (key, intent, call) => real.revoke(key, { ...intent, purge: false }, call) }),
    breaks: /purged credential is absent/,
  },
  'listing active ones only': {
    spoil: (real) => ({
      async *list(call) {
        for await (const credential of real.list(call)) if (credential.status.status === 'active') yield credential
      },
    }),
    breaks: /list holds every credential/,
  },
  'merging fields': {
    spoil: (real) => ({
      async write(key, values, intent, call) {
        const found = await real.read(key, call)
        const merged = found.status === 'active' ? { ...found.values, ...values } : values
        return real.write(key, merged as typeof values, intent, call)
      },
    }),
    breaks: /replaces every field/,
  },
  'working on after the deadline': {
    spoil: (real) => ({
      write: (key, values, intent, call) =>
        real.write(key, values, intent, { ...call, signal: new AbortController().signal }),
    }),
    breaks: /time is over/,
  },
  'applying a repeated attempt twice': {
    spoil: (real) => ({
      write: (key, values, intent, call) =>
        real.write(key, values, { ...intent, operationId: `${Math.random()}` }, call),
    }),
    breaks: /repeated attempt/,
  },
  'errors with values': {
    spoil: (real) => ({
      write: (key, values, intent, call) =>
        real.write(key, values, intent, call).catch((error: CredentialVaultError) => {
          throw new CredentialVaultError(error.code, `cannot save pat: ${values['pat']}`)
        }),
    }),
    breaks: /expects nothing loses/,
  },
}

for (const [name, { spoil, breaks }] of Object.entries(DEFECTS)) {
  test(`the suite notices a backend that is wrong by ${name}`, async () => {
    expect((await brokenBy(spoil)).join('; ')).toMatch(breaks)
  })
}
