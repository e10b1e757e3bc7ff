import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { VariableType } from '../../core/model/variables.ts'
import { cacheHelp } from '../operator/cache-notice.ts'
import {
  credentialName,
  keyFromInput,
  noSuchCredential,
  ownerOptions,
  withOperatorAccess,
} from '../operator/operator-access.ts'
import type { Command } from '../terminal/command.ts'
import { type CommandInput, isName, UsageError } from '../terminal/command-line.ts'
import { newValue, VARIABLE_TYPES } from './new-value.ts'

export const rotate: Command = {
  name: 'rotate',
  summary: 'replace a value of one credential',
  parameters: ['PROVIDER'],
  options: { ...ownerOptions, field: { type: 'string' }, type: { type: 'string' } },
  help: `
Usage: mcp-credential-vault rotate PROVIDER --issuer URL --subject SUBJECT [--field NAME] [--type TYPE] [--json]

Replaces one field's value; the others stay. The new value comes from standard input, or from a hidden prompt on a terminal,
never from the command line. Fails when the credential is changed at the same time, and when it is absent or revoked (3).
Without --field the credential must have exactly one.

  --type TYPE   the variable's type in the server's code: string, password, url or textarea. Default password.
                One line loses its outer blanks and its line end; a textarea is stored byte for byte, its last line end too.

A value that the form would refuse for that type is refused here (2): text that is not UTF-8, a byte order mark, blanks only, control characters.
The provider's own pattern, maxLength and allowedHosts are not known here.
${cacheHelp}
`,
  async run(input, terminal) {
    const key = keyFromInput(input)
    const type = typeFrom(input)
    const prompt = `New value for ${key.provider}: `
    const value = newValue(await terminal.readSecret(prompt, { severalLines: type === 'textarea' }), type)
    return withOperatorAccess(terminal, async ({ credentials, context, cacheSeconds, cacheNotice }) => {
      const field = input.text('field')
      const version = await credentials.rotate(key, { field, value }, context).catch((error: unknown) => {
        throw rotateProblem(error, key, field)
      })
      const done = { provider: key.provider, ...key.owner, rotated: true, version: version.label, cacheSeconds }
      terminal.out(
        input.flag('json')
          ? `${JSON.stringify(done)}\n`
          : `Rotated ${credentialName(key)}: now version ${version.label}.\n${cacheNotice}`,
      )
      return 0
    })
  },
}

function rotateProblem(error: unknown, key: StorageKey, field: string | undefined): unknown {
  if (isCredentialVaultError(error, 'credential_absent')) return noSuchCredential(key)
  if (!isCredentialVaultError(error, 'configuration_invalid') || error.reason !== 'field_unknown') return error
  if (field === undefined) return new UsageError(error.message)
  return new UsageError(`there is no ${isName(field) ? `field ${field}` : 'such field'}. ${error.message}`)
}

function typeFrom(input: CommandInput): VariableType {
  const given = input.text('type') ?? 'password'
  const type = VARIABLE_TYPES.find((known) => known === given)
  if (type) return type
  throw new UsageError(`--type takes one of ${VARIABLE_TYPES.join(', ')}`)
}
