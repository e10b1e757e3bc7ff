import { test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { describeSecretBackend } from '../../src/testing/secret-backend/suite.ts'

describeSecretBackend({
  test,
  async makeHarness() {
    const backend = memoryBackend()
    await backend.open()
    return { here: backend, there: backend, close: () => backend.close() }
  },
})
