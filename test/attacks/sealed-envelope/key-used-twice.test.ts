import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { openVault } from '../../../src/vault/open-vault.ts'

const base = { serverBaseUrl: 'http://localhost:8005', audit: memoryAudit(), warn: () => {} }

test.each(['webKey', 'acceptedWebKeys'])('the key of the envelope is refused as %s', async (option) => {
  const key = generateKeyText()
  const backend = sealedEnvelope(memoryBackend(), { key, warn: () => {} })
  const keys = option === 'webKey' ? { webKey: key } : { webKey: generateKeyText(), acceptedWebKeys: [key] }
  const opened = openVault({ ...base, backend, ...keys })
  onTestFinished(() => opened.then((vault) => vault.close()).catch(() => undefined))
  await expect(opened).rejects.toMatchObject({ code: 'configuration_invalid', reason: 'same_key' })
})
