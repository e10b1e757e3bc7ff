import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { createCredentialCache } from '../../../src/core/credentials/credential-cache.ts'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { createEchoGuard } from '../../../src/core/echo-guard/echo-guard.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { createCredentials } from '../../harness/credential-services.ts'
import { expectThat, type Flow, flow } from '../flow.ts'
import { canaryVariables } from '../variables.ts'

/** Objects that do hold values while they work, and must not show them. */
export const holders: readonly Flow[] = [
  flow('memory backend, cache and echo guard are printed', async ({ owner, objects, secrets }) => {
    const backend = memoryBackend()
    const key = storageKey('canary', owner)
    await put(backend, key, secrets.values)
    const variables = defineVariables(canaryVariables)
    const cache = createCredentialCache(backend, { ttl: 60_000, maxEntries: 10 })
    await cache.read(key, () => backend.read(key, call()))
    const health = createHealth(() => {})
    const credentials = createCredentials({ backend, journal: createJournal({ audit: memoryAudit(), health }), health })
    const released = await credentials.release(key, variables, { correlationId: 'canary' })
    const guard = createEchoGuard()
    guard.add(variables, released, { includeShort: true })
    expectThat(guard.finds(secrets.of('html')), 'a guard that knows the values')
    const stat = await backend.stat(key, call())
    const held = { backend, cache, credentials, guard, stat, key, variables, sealer: createSealer(Buffer.alloc(32, 7)) }
    for (const [name, object] of Object.entries(held)) objects.set(`held ${name}`, object)
  }),
]
