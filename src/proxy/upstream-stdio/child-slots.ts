import { CredentialVaultError } from '../../core/model/errors.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import { templateParts } from '../../destinations/credential-header.ts'
import type { ChildOptions } from '../children/child-options.ts'
import type { CommandUpstreamConfig } from '../config/proxy-config.ts'

/** Returns what a process is started with, with the fields of one credential in its slots. Without any values, it has no slots. */
export function childSlots(
  config: CommandUpstreamConfig,
  values: CredentialValues,
): Pick<ChildOptions, 'command' | 'literals' | 'slots' | 'files' | 'dangerouslyArgs' | 'startDeadline'> {
  const { command, environment = {}, startDeadlineSeconds } = config
  const { env = {}, files = {}, dangerouslyArgs = [] } = Object.keys(values).length === 0 ? {} : config
  return {
    command,
    literals: environment,
    slots: Object.fromEntries(Object.entries(env).map(([name, template]) => [name, filled(template, values)])),
    files: Object.entries(files).map(([variable, { contents, name, as }]) => ({
      variable,
      contents: filled(contents, values),
      ...(name !== undefined && { name }),
      ...(as !== undefined && { as }),
    })),
    dangerouslyArgs: dangerouslyArgs.map((template) => filled(template, values)),
    startDeadline: startDeadlineSeconds * 1000,
  }
}

/** Never some of the fields without the others. */
function filled(template: string, values: CredentialValues): string {
  return (templateParts(template) ?? [])
    .map(
      (part) =>
        part.text ?? (Object.hasOwn(values, part.field) ? values[part.field] : undefined) ?? missing(part.field),
    )
    .join('')
}

function missing(field: string): never {
  throw new CredentialVaultError(
    'credential_malformed',
    `The credential's field ${field} is empty, so no server was started. Enter the credential again.`,
    { reason: 'field_missing' },
  )
}
