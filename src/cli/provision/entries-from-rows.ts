import { providersOf } from '../operator/load-tools.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'
import { checkedRows, type Entry, typesFrom } from './checked-rows.ts'
import type { ReadRow } from './row.ts'

export const fieldOptions = { tools: { type: 'string' }, type: { type: 'string', multiple: true } } as const

export const fieldHelp = `
  --tools MODULE      check fields as the forms of this module's providers do; the module is run, and nothing is served
  --type FIELD=TYPE   without --tools: string, password, url or textarea; may be repeated. Default password: one line
`

/** Checks rows with what the options say about fields. */
export async function entriesFrom(rows: readonly ReadRow[], input: CommandInput): Promise<readonly Entry[]> {
  const module = input.text('tools')
  const types = typesFrom(input)
  if (module !== undefined && types.size > 0)
    throw new UsageError('--tools knows the types of fields; leave --type out')
  const providers = module === undefined ? undefined : await providersOf(module)
  return checkedRows(rows, { providers, types })
}
