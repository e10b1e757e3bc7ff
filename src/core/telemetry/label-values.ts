import { isErrorReason } from '../model/error-reason.ts'
import { isCredentialVaultError } from '../model/errors.ts'
import { isProviderName } from '../model/storage-key.ts'

/** The value of a label for what has no value of its own there, as the semantic conventions have it. */
export const OTHER = '_OTHER'

const MAX_PROVIDERS = 200

/** A store keeps a time series for each value, so the number of names is bounded, whoever chose them. */
export function createProviderNames(): (name: string | undefined) => string {
  const known = new Set<string>()
  return (name) => {
    if (name === undefined || !isProviderName(name)) return OTHER
    if (!known.has(name) && known.size >= MAX_PROVIDERS) return OTHER
    known.add(name)
    return name
  }
}

/** Returns a reason as a label. Those of HTTP statuses and of other people's code are too many to be told apart. */
export function reasonLabel(reason: string | undefined): string | undefined {
  if (reason === undefined) return undefined
  const [, hundred] = /^status_(\d)\d\d$/.exec(reason) ?? []
  if (hundred !== undefined) return `status_${hundred}xx`
  return reason.startsWith('x_') || !/^[a-z0-9_]{1,60}$/.test(reason) ? OTHER : reason
}

/** Returns how something ended: `success`, or why it failed. */
export function outcomeOf(error: unknown): string {
  if (!isCredentialVaultError(error)) return OTHER
  const { code, reason } = error
  return (isErrorReason(reason) ? reasonLabel(reason) : undefined) ?? code
}
