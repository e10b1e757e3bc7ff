import { parseEnv } from 'node:util'
import { fileLabel, shownPath } from '../../core/host/shown-path.ts'
import { VARIABLE_NAME } from '../../core/model/variables.ts'
import { ownerFromInput, ownerOptions } from '../operator/operator-access.ts'
import { providerFromInput } from '../operator/provider-option.ts'
import { entriesFrom, fieldHelp, fieldOptions } from '../provision/entries-from-rows.ts'
import { readPrivateFile } from '../provision/private-file.ts'
import { writeEntries, writeHelp, writeOptions } from '../provision/write-entries.ts'
import type { Command } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'

export const importEnv: Command = {
  name: 'import env',
  summary: "import one owner's credential from an environment file",
  parameters: [],
  options: {
    file: { type: 'string' },
    provider: { type: 'string' },
    ...ownerOptions,
    field: { type: 'string', multiple: true },
    ...fieldOptions,
    ...writeOptions,
  },
  help: `
Usage: mcp-credential-vault import env --file .env --provider NAME --issuer URL --subject SUBJECT --field FIELD=VARIABLE …
         [--tools MODULE | --type FIELD=TYPE …] [--replace] [--dry-run] [--json]

Imports the credential that a server read from its environment until now, for the person or machine to whom it belongs.
Other users must not be able to read the file. Delete the variables from it afterwards.

  --field FIELD=VARIABLE   the variable that holds this field, e.g. pat=JIRA_TOKEN; may be repeated
${fieldHelp}${writeHelp}`,
  async run(input, terminal) {
    const provider = providerFromInput(input)
    const owner = ownerFromInput(input)
    const file = input.text('file')
    if (file === undefined) throw new UsageError('--file is required: it names the environment file')
    const names = fieldsFrom(input)
    const variables = parseEnv(readPrivateFile(file, '--file', terminal))
    const fields = new Map<string, string>()
    for (const [at, [field, variable]] of [...names].entries()) {
      const value = Object.hasOwn(variables, variable) ? variables[variable] : undefined
      // Tokens in capitals look like names, so neither part of the pair is quoted.
      if (value === undefined || value === '')
        throw new UsageError(
          `${fileLabel('--file', file)} does not set the variable that --field number ${at + 1} names. Check that --field has the name of a variable in it, and never its value`,
        )
      fields.set(field, value)
    }
    const row = { place: shownPath(file) ?? 'the file of --file', provider, ...owner, fields }
    return writeEntries(await entriesFrom([row], input), input, terminal)
  },
}

/** Reads `--field FIELD=VARIABLE`. The pair is not quoted, because it may be a value in the wrong place. */
function fieldsFrom(input: CommandInput): ReadonlyMap<string, string> {
  const pairs = input.texts('field').map((text) => {
    const [field = '', variable = '', ...rest] = text.split('=')
    if (VARIABLE_NAME.test(field) && /^[A-Z][A-Z0-9_]{0,62}$/.test(variable) && rest.length === 0)
      return [field, variable] as const
    throw new UsageError(
      '--field takes FIELD=VARIABLE, such as pat=JIRA_TOKEN: the name of the variable, never its value',
    )
  })
  if (pairs.length === 0) throw new UsageError('--field is required: it says which variable holds which field')
  const fields = new Map(pairs)
  if (fields.size < pairs.length) throw new UsageError('--field names the same field twice')
  return fields
}
