import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { checkExpectation } from '../../src/core/ports/expectation.ts'
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
  'looking before a save and not with it': {
    spoil: (real) => ({
      async write(key, values, intent, call) {
        if (typeof intent.expect === 'string') return real.write(key, values, intent, call)
        checkExpectation(intent.expect, await real.stat(key, call))
        await setImmediate()
        return real.write(key, values, { ...intent, expect: 'any' }, call)
      },
    }),
    breaks: /revocation beside a save/,
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
  'keeping a mark in the next version': {
    spoil: (real) => {
      const marked = new Map<string, Date>()
      const withMark = <T extends { readonly status: string; readonly labels?: object }>(found: T, path: string) => {
        const rejectedAt = marked.get(path)
        return found.status === 'active' && rejectedAt ? { ...found, labels: { ...found.labels, rejectedAt } } : found
      }
      return {
        async markRejected(key, version, rejectedAt, call) {
          if (rejectedAt) marked.set(key.path, rejectedAt)
          return (await real.markRejected?.(key, version, rejectedAt, call)) ?? false
        },
        stat: async (key, call) => withMark(await real.stat(key, call), key.path),
        read: async (key, call) => withMark(await real.read(key, call), key.path),
      }
    },
    breaks: /mark that is taken back is gone.*mark does not outlive its version.*never on another version/,
  },
  'marking the newest version for an older one': {
    spoil: (real) => ({
      async markRejected(key, version, rejectedAt, call) {
        const now = await real.stat(key, call)
        const newest = now.status === 'active' ? now.version : version
        return (await real.markRejected?.(key, newest, rejectedAt, call)) ?? false
      },
    }),
    breaks: /mark for an older version/,
  },
  'labels that only read returns': {
    spoil: (real) => ({
      async stat(key, call) {
        const found = await real.stat(key, call)
        return found.status === 'active' ? { status: 'active', version: found.version } : found
      },
    }),
    breaks: /labels: those of a save are found.*mark is found by everybody/,
  },
  'marks that undo a revocation': {
    spoil: (real) => {
      const last = new Map<string, Parameters<SecretBackend['write']>>()
      return {
        write: (...given) => {
          last.set(given[0].path, given)
          return real.write(...given)
        },
        async markRejected(key, version, rejectedAt, call) {
          const [, values, intent] = last.get(key.path) ?? []
          if ((await real.stat(key, call)).status === 'revoked' && values && intent)
            await real.write(key, values, { ...intent, operationId: `${Math.random()}` }, call)
          return (await real.markRejected?.(key, version, rejectedAt, call)) ?? false
        },
      }
    },
    breaks: /revocation comes before a mark/,
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
