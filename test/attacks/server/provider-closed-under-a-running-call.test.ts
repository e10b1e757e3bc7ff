import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { FormProvider } from '../../../src/core/ports/form-provider.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { openFormTierVault, openToolTierVault } from '../../../src/vault/tier-vaults.ts'

const JIRA: FormProvider = {
  name: 'jira',
  label: 'Jira',
  variables: [],
  doc: undefined,
  destinations: [],
  verify: undefined,
}

// The form tier starts only with a store that refuses it to read.
const refused = async () => {
  throw new CredentialVaultError('forbidden', 'refused')
}

// A mount answers its running calls in an ending. A tool may call its service before or after the part that its gate counts.
for (const [name, open] of Object.entries({ openVault, openFormTierVault, openToolTierVault }))
  test(`a tool that still runs while ${name} closes finds its provider open`, async () => {
    const vault = await open({
      serverBaseUrl: 'http://localhost',
      identity: localUser({ name: 'alice' }),
      backend: { ...memoryBackend(), ...(open === openFormTierVault && { read: refused }) },
      audit: memoryAudit(),
      warn: () => undefined,
    })
    const order: string[] = []
    vault.attach(JIRA, async () => void order.push('provider ended'))
    vault.onClose(async () => {
      await delay(100)
      order.push('call ended')
    })
    await vault.close()
    expect(order).toEqual(['call ended', 'provider ended'])
  })
