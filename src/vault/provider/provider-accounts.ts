import type { GatePass } from '../../core/gate/tool-call.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { providerName } from '../../core/model/storage-key.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import { ProviderAccount, type SharedByAccounts } from './provider-account.ts'

/** The accounts that a provider declares. */
export interface ProviderAccounts {
  readonly unnamed: ProviderAccount
  /** All of them, the unnamed one first. */
  readonly all: readonly ProviderAccount[]
  /** @throws `configuration_invalid` (`reason: 'account_unknown'`) for one that is not declared. Default: the unnamed one */
  chosen(account: string | undefined): ProviderAccount
  /**
   * Returns the account that the gates in front of a handler found connected.
   *
   * @throws `configuration_invalid` (`reason: 'account_unclear'`) if they are for several
   */
  passed(passes: readonly GatePass[]): ProviderAccount
}

/** @param formOf returns the form of an account with this name and label */
export function createProviderAccounts(
  { name, label }: { readonly name: string; readonly label: string },
  declared: readonly string[],
  shared: Omit<SharedByAccounts, 'accounts'>,
  formOf: (name: string, label: string) => FormProvider,
): ProviderAccounts {
  const provider: SharedByAccounts = { ...shared, accounts: () => all }
  const unnamed = new ProviderAccount(provider, formOf(name, label))
  const named = new Map(
    declared.map((account) => {
      const form = formOf(providerName(name, account), `${label} (${account})`)
      return [account, new ProviderAccount(provider, form)]
    }),
  )
  const all = [unnamed, ...named.values()]

  return {
    unnamed,
    all,

    chosen(account) {
      const found = account === undefined ? unnamed : named.get(account)
      if (found) return found
      // A model may have chosen the name: it is not quoted, and the gate answers with these very words.
      throw new CredentialVaultError(
        'configuration_invalid',
        `${name} has no account of this name. ${known(declared)}`,
        { reason: 'account_unknown' },
      )
    },

    passed(passes) {
      const names = new Set(passes.map(({ provider: name }) => name))
      const found = all.filter((account) => names.has(account.name))
      if (found.length === 1 && found[0]) return found[0]
      throw new CredentialVaultError(
        'configuration_invalid',
        `getCredentials() of ${name}: the call passed gates for several accounts. Name one: getCredentials(extra, { account }).`,
        { reason: 'account_unclear' },
      )
    },
  }
}

function known(declared: readonly string[]): string {
  if (declared.length === 0) return 'It declares none. Leave the name out.'
  return `It declares ${declared.join(', ')}. Use one of these names, or none for the account without a name.`
}
