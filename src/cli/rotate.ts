import { hasControlCharacter } from '../core/owner.ts'
import { MAX_VALUE_LENGTH } from '../core/variables.ts'
import { type Command, UsageError } from './command.ts'
import { keyFromInput, ownerOptions, withOperatorAccess } from './operator-access.ts'

export const rotate: Command = {
  name: 'rotate',
  summary: 'replace a value of one credential',
  parameters: ['PROVIDER'],
  options: { ...ownerOptions, field: { type: 'string' } },
  help: `
Usage: mcp-credential-vault rotate PROVIDER --issuer URL --subject SUBJECT [--field NAME] [--json]

Replaces one field's value; the others stay. The new value comes from standard input, or from a hidden prompt on a terminal,
never from the command line. Fails when somebody else changes the credential at the same time, and when it is absent or revoked (3).
Without --field the credential must have exactly one.
`,
  async run(input, terminal) {
    const key = keyFromInput(input)
    const value = checkValue(await terminal.readSecret(`New value for ${key.provider}: `))
    return withOperatorAccess(terminal, async ({ credentials, context }) => {
      const version = await credentials.rotate(key, { field: input.text('field'), value }, context)
      const done = { provider: key.provider, ...key.owner, rotated: true, version: version.label }
      terminal.out(
        input.flag('json')
          ? `${JSON.stringify(done)}\n`
          : `Rotated ${key.provider} for ${key.owner.subject}: now version ${version.label}.\n`,
      )
      return 0
    })
  },
}

function checkValue(value: string): string {
  if (value === '') throw new UsageError('the new value is empty')
  if (value.length > MAX_VALUE_LENGTH)
    throw new UsageError(`the new value is longer than ${MAX_VALUE_LENGTH} characters`)
  if (hasControlCharacter(value.replace(/[\n\t]/g, '')))
    throw new UsageError('the new value contains control characters')
  return value
}
