import type { z } from 'zod'
import { CredentialVaultError } from './errors.ts'

/**
 * Checks options once, where they enter. An unknown option is an error. The message names each wrong option by its path below
 * `subject` and holds no value, since an option may be a key.
 */
export function parseOptions<T extends z.ZodType>(schema: T, value: unknown, subject: string): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => `${optionPath(subject, [...issue.path, key])}: there is no such option`)
      : [`${optionPath(subject, issue.path)}: ${issue.message}`],
  )
  throw new CredentialVaultError('configuration_invalid', problems.join('; '), { reason: 'option' })
}

function optionPath(subject: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : `${text}.${String(part)}`),
    subject,
  )
}
