import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import type { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

const base = { serverBaseUrl: 'http://localhost:8005', audit: memoryAudit(), warn: () => {} }

test.each(['webKey', 'acceptedWebKeys'])('the key of the envelope is refused as %s', async (option) => {
  const key = generateKeyText()
  const backend = sealedEnvelope(memoryBackend(), { key, warn: () => {} })
  const keys = option === 'webKey' ? { webKey: key } : { webKey: generateKeyText(), acceptedWebKeys: [key] }
  const opened = openVault({ ...base, backend, ...keys })
  onTestFinished(() => opened.then((vault) => vault.close()).catch(() => undefined))
  await expect(opened).rejects.toMatchObject({ code: 'configuration_invalid', reason: 'same_key' })
})

const VARIABLES = ['MCP_VAULT_KEY', 'MCP_SEALED_ENVELOPE_KEY', 'MCP_WEB_KEY', 'MCP_AUDIT_KEY']
const ACCEPTED = VARIABLES.slice(1).map((variable) => `${variable}_ACCEPTED`)
const ALL = [...VARIABLES, ...ACCEPTED]
const useOf = (variable: string) => variable.replace('_ACCEPTED', '')
const PAIRS = ALL.flatMap((one, at) =>
  ALL.slice(at + 1).flatMap((other) => (useOf(one) === useOf(other) ? [] : [[one, other] as const])),
)

test.each(PAIRS)('%s and %s with one key are refused, and both are named', async (one, other) => {
  const folder = await temporaryFolder()
  const key = generateKeyText()
  for (const variable of ALL) vi.stubEnv(variable, variable === one || variable === other ? key : generateKeyText())
  const backend = sealedEnvelope(sealedFile({ folder: join(folder, 'data'), warn: base.warn }), { warn: base.warn })
  const audit = jsonLinesAudit({ folder: join(folder, 'audit'), warn: base.warn })
  const error: CredentialVaultError = await openVault({ ...base, audit, backend }).then(
    (vault) => vault.close(),
    (problem) => problem,
  )
  expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'same_key' })
  for (const variable of [one, other]) expect(error.message).toMatch(new RegExp(`\\b${variable}\\b`))
  expect(error.message).not.toContain(key)
})
