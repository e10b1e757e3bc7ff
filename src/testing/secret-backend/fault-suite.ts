import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { type ErrorCode, isCredentialVaultError } from '../../core/model/errors.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import { call, put, remove, statusOfAll, valuesOf } from './calls.ts'
import type { Fault } from './harness.ts'
import type { VendorCheck } from './vendor-suite.ts'

/** Error codes that a caller may get. A fault must never look like an answer about the credential. */
const EXPECTED: Readonly<
  Record<Fault, { readonly reads: readonly ErrorCode[]; readonly writes: readonly ErrorCode[] }>
> = {
  down: { reads: ['unavailable'], writes: ['unavailable'] },
  hanging: { reads: ['unavailable'], writes: ['unavailable', 'outcome_unknown'] },
  dripping: { reads: ['unavailable'], writes: ['unavailable', 'outcome_unknown'] },
  reset: { reads: ['unavailable'], writes: ['unavailable', 'outcome_unknown'] },
  lost: { reads: ['unavailable'], writes: ['unavailable', 'outcome_unknown'] },
  html: { reads: ['unavailable'], writes: ['unavailable', 'outcome_unknown'] },
  failing: { reads: ['unavailable'], writes: ['unavailable', 'outcome_unknown'] },
  throttled: { reads: ['unavailable'], writes: ['unavailable'] },
  denied: { reads: ['forbidden'], writes: ['forbidden'] },
  sealed: { reads: ['unavailable'], writes: ['unavailable'] },
}

/** Milliseconds. Only these faults use up a deadline; the others fail early, even on a slow machine. */
const DEADLINES: Partial<Record<Fault, number>> = { hanging: 700, dripping: 700 }
/** Shorter than the timeouts of vendors' clients. */
const GRACE = 20_000

/** Registers one test for each fault between the library and the store. */
export function describeFaults(check: VendorCheck, key: StorageKey, faults: readonly Fault[]): void {
  for (const fault of faults) {
    check(`${fault}: is told as it is, in time, and nothing is lost`, async ({ here, fault: inject }) => {
      assert.ok(inject, 'a harness whose suite names faults can inject them')
      await put(here, key, { pat: 'canary-of-fault' })
      await inject(fault)
      const milliseconds = DEADLINES[fault]
      const deadline = () => (milliseconds === undefined ? call() : call(AbortSignal.timeout(milliseconds)))
      const { reads, writes } = EXPECTED[fault]
      const intent = { expect: 'any', audit: { writer: 'suite', seq: 1 }, operationId: crypto.randomUUID() } as const
      await fails(() => here.read(key, deadline()), reads)
      await fails(() => here.stat(key, deadline()), reads)
      await fails(() => here.write(key, { pat: 'canary-of-late' }, intent, deadline()), writes)
      await fails(async () => {
        for await (const _ of here.list(deadline())) assert.fail('a fault is no empty list')
        assert.fail('a fault is no empty list')
      }, reads)

      await inject('none')
      const { pat } = await valuesOf(here, key)
      assert.ok(pat === 'canary-of-fault' || (pat === 'canary-of-late' && writes.includes('outcome_unknown')), pat)
      assert.equal((await statusOfAll(here)).get(key.path), 'active')
      await put(here, key, { pat: 'after' })
      assert.deepEqual(await valuesOf(here, key), { pat: 'after' })
      assert.equal(await remove(here, key), true)
    })
  }
}

async function fails(work: () => Promise<unknown>, codes: readonly ErrorCode[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The deadline does not hold.')), GRACE)
  })
  await assert.rejects(
    async () => Promise.race([work(), late]),
    (error) => {
      assert.ok(isCredentialVaultError(error, ...codes), inspect(error))
      const shown = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error)
      assert.ok(!shown.includes('canary-of'), 'no error quotes a value')
      return true
    },
  )
  clearTimeout(timer)
}
