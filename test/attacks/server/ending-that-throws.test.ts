import { expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { openVault } from '../../../src/vault/open-vault.ts'

// Plain JavaScript that throws where a promise is expected.
const ENDINGS: Readonly<Record<string, () => Promise<void>>> = {
  throws() {
    throw new Error('of an application')
  },
  'resolves to nothing': () => undefined as unknown as Promise<void>,
}

for (const [name, end] of Object.entries(ENDINGS))
  test(`an ending that ${name} neither keeps the other endings from running nor the log from being closed`, async () => {
    const audit = memoryAudit()
    const closed: string[] = []
    const vault = await openVault({
      serverBaseUrl: 'http://localhost',
      identity: localUser({ name: 'alice' }),
      backend: memoryBackend(),
      audit: { ...audit, close: async () => void closed.push('log') },
      warn: () => undefined,
    })
    const order: string[] = []
    vault.onClose(end)
    vault.onClose(async () => void order.push('ended'))
    await vault.close().catch(() => undefined)
    expect(order).toEqual(['ended'])
    expect(closed).toEqual(['log'])
  })
