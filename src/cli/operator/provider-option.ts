import { isProviderName } from '../../core/model/storage-key.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'

/** @throws UsageError if `--provider` is missing or cannot be a provider's name, which it does not quote */
export function providerFromInput(input: CommandInput): string {
  const provider = input.text('provider')
  if (provider === undefined) throw new UsageError('--provider is required: it names the service')
  if (isProviderName(provider)) return provider
  throw new UsageError(
    '--provider is not the name of a provider: lower-case letters, digits and single hyphens; jira@work for one of its accounts',
  )
}

/** @throws UsageError for a name that no provider can have, because everything would look like an orphan */
export function providerNames(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.every(isProviderName)) return names
  throw new UsageError('--providers takes names with commas between them, such as jira,gitlab')
}
