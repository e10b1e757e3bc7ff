import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import type { FormProvider } from '../../../src/core/ports/form-provider.ts'
import { hashicorpOperator } from '../hashicorp-vault/hashicorp-operator.ts'
import { type OpenBao, ROOT_TOKEN } from '../hashicorp-vault/open-bao.ts'
import { type AccountServer, startAccountServer } from './account-server.ts'
import type { FormServer } from './form-server.ts'

/** The other accounts of `jira`, named as a provider with `accounts` names their forms. The last one is as long as a name may be. */
export const ACCOUNTS = {
  'jira@work': 'Jira (work)',
  'jira@client-northwind-emea-production-cluster': 'Jira (client-northwind-emea-production-cluster)',
} as const

export const TOKEN = 'atatt-of-the-account-5d10'

export interface AccountsServer extends AccountServer {
  /** Replaces the stored value with one that has no seal, as an administrator of the store may. */
  storeUnsealed(user: string, provider: string): Promise<void>
}

/** A form server with several accounts of one provider, whose credentials are sealed before they are kept in OpenBao. */
export async function startAccountsServer(
  bao: OpenBao,
  verify: NonNullable<FormProvider['verify']>,
): Promise<AccountsServer> {
  const mount = await bao.newMount()
  const auth = { method: 'token', token: ROOT_TOKEN } as const
  const inner = vaultBackend({ address: bao.address, mount, auth, warn: () => undefined })
  const backend = sealedEnvelope(inner, { key: generateKeyText() })
  await backend.open()
  const pat = { label: 'Personal access token', type: 'password', hint: 'Starts with ATATT' } as const
  const ofAccount = {
    service: 'Jira',
    variables: defineVariables({ pat }),
    destinations: ['https://acme.atlassian.net'],
  }
  const server = await startAccountServer({
    backend,
    provider: { verify },
    lastUsed: () => new Date(),
    otherProviders: Object.entries(ACCOUNTS).map(([name, label]) => ({ name, label, ...ofAccount })),
  })
  const operator = hashicorpOperator(bao, mount)
  const close: FormServer['close'] = async () => {
    await server.close()
    await backend.close()
  }
  return {
    ...server,
    storeUnsealed: (user, provider) => operator.put(server.keyOf(user, provider), { pat: TOKEN }),
    close,
  }
}
