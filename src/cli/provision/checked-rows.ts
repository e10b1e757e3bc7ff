import { checkFormValues } from '../../core/model/form-values.ts'
import { isProviderName, type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import { isUrl } from '../../core/model/url-value.ts'
import {
  type CredentialValues,
  MAX_CREDENTIAL_BYTES,
  VARIABLE_NAME,
  type VariableType,
} from '../../core/model/variables.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import { checkedValue, problemOf, VARIABLE_TYPES } from '../credentials/new-value.ts'
import { type CommandInput, isName, UsageError } from '../terminal/command-line.ts'
import { counted } from '../terminal/table.ts'
import { type BadRow, isBad, type ReadRow, type Row } from './row.ts'

/** A credential that is about to be written. */
export interface Entry {
  readonly place: string
  readonly key: StorageKey
  readonly values: CredentialValues
}

/** The definitions of fields: a module's own providers, or else the types that the options give. */
export interface FieldRules {
  readonly providers?: ReadonlyMap<string, FormProvider> | undefined
  readonly types: ReadonlyMap<string, VariableType>
}

const MAX_SHOWN = 20

/**
 * Checks every row before anything is written.
 *
 * @throws UsageError that names the first 20 bad rows and what is wrong with each, without a value
 */
export function checkedRows(rows: readonly ReadRow[], rules: FieldRules): readonly Entry[] {
  const checked = rows.map((row) => (isBad(row) ? row : entryOf(row, rules)))
  const bad: BadRow[] = []
  const entries = new Map<string, Entry>()
  for (const one of checked) {
    const earlier = 'key' in one ? entries.get(one.key.path) : undefined
    if (!('key' in one)) bad.push(one)
    else if (earlier) bad.push({ place: one.place, problem: `is for the same provider and owner as ${earlier.place}` })
    else entries.set(one.key.path, one)
  }
  if (bad.length === 0) return [...entries.values()]
  const lines = bad.slice(0, MAX_SHOWN).map(({ place, problem }) => `  ${place} ${problem}`)
  const more = bad.length > MAX_SHOWN ? [`  and ${bad.length - MAX_SHOWN} more`] : []
  throw new UsageError(
    `nothing was written, because of ${counted(bad.length, 'bad row')}:\n${[...lines, ...more].join('\n')}\nCorrect the input and run the command again.`,
  )
}

function entryOf(row: Row, rules: FieldRules): Entry | BadRow {
  const { place, provider, issuer, subject } = row
  if (!isProviderName(provider)) return { place, problem: 'has no provider, or one that cannot be its name' }
  const key = keyOf(provider, issuer, subject)
  if (!key) return { place, problem: 'has an issuer or a subject that is empty, too long or not plain text' }
  if (!isIssuer(issuer))
    return { place, problem: 'has an issuer that no access token can name: an http or https URL, or local-user' }
  if (row.fields.size === 0) return { place, problem: 'has no value in any field' }
  const form = rules.providers?.get(provider)
  if (rules.providers && !form) return { place, problem: 'has a provider that the module of --tools does not declare' }
  const values = form ? valuesForForm(row, form) : valuesByType(row, rules.types)
  if ('problem' in values) return { place, problem: String(values.problem) }
  if (Buffer.byteLength(JSON.stringify(values.values)) > MAX_CREDENTIAL_BYTES)
    return { place, problem: `is larger than the ${MAX_CREDENTIAL_BYTES} bytes of a credential` }
  return { place, key, values: values.values }
}

type Checked = { readonly values: CredentialValues } | { readonly problem: string }

/** A credential under another issuer would be nobody's. The URL is compared as it is written, so it is not normalised here. */
function isIssuer(text: string): boolean {
  return text === 'local-user' || (/^https?:\/\//.test(text) && isUrl(text))
}

function keyOf(provider: string, issuer: string, subject: string): StorageKey | undefined {
  try {
    return storageKey(provider, { issuer, subject })
  } catch {
    return undefined
  }
}

function valuesByType({ fields }: Row, types: ReadonlyMap<string, VariableType>): Checked {
  const values: Record<string, string> = {}
  for (const [at, [name, text]] of [...fields].entries()) {
    if (!VARIABLE_NAME.test(name) || name === 'constructor')
      return { problem: 'has a field whose name no field can have' }
    const checked = checkedValue(text, types.get(name) ?? 'password')
    // A name that no option declares may be a token in the wrong place.
    const field = types.has(name) ? `a field ${name}` : `a field, number ${at + 1} of those with a value,`
    if ('problem' in checked) return { problem: `has ${field} whose value ${checked.problem}` }
    values[name] = checked.value
  }
  return { values }
}

/** Checks the fields as the provider's form would. */
function valuesForForm({ fields }: Row, { variables, fieldProblems }: FormProvider): Checked {
  if ([...fields.keys()].some((name) => !variables.some((variable) => variable.name === name)))
    return {
      problem: `has a field that the provider does not have; it has ${variables.map(({ name }) => name).join(', ')}`,
    }
  const check = checkFormValues(variables, fields)
  const problems = check.ok ? (fieldProblems?.(check.values) ?? new Map()) : check.problems
  for (const { name, type } of variables) {
    const problem = problems.get(name)
    if (problem) return { problem: `has a field ${name} whose value ${problemOf(problem, type)}` }
  }
  return check.ok ? { values: check.values } : { problem: 'is too large for a credential' }
}

/** Reads `--type FIELD=TYPE`. */
export function typesFrom(input: CommandInput): ReadonlyMap<string, VariableType> {
  return new Map(
    input.texts('type').map((text) => {
      const [name = '', given] = text.split('=')
      const type = VARIABLE_TYPES.find((known) => known === given)
      if (VARIABLE_NAME.test(name) && type) return [name, type] as const
      throw new UsageError(
        `--type takes FIELD=TYPE${isName(name) ? ` for ${name}` : ''}, and TYPE is one of ${VARIABLE_TYPES.join(', ')}`,
      )
    }),
  )
}
