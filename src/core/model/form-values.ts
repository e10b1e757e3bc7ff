import { type AllowedHost, hostAllowed } from './allowed-hosts.ts'
import { hasControlCharacter, isWellFormed } from './owner.ts'
import { isWebUrl, normalisedUrl, parsedUrl } from './url-value.ts'
import { type CredentialValues, MAX_CREDENTIAL_BYTES, type Variable } from './variables.ts'

export type FieldProblem =
  | 'missing'
  | 'too_long'
  | 'control_character'
  | 'not_a_url'
  | 'host_not_allowed'
  | 'pattern'
  | 'not_text'
  /** The credential is sent in an HTTP header, which cannot contain this. */
  | 'header_value'
  /** A colon in the user name of HTTP Basic authentication. */
  | 'colon'

export type FormCheck =
  | { readonly ok: true; readonly values: CredentialValues }
  | { readonly ok: false; readonly problems: ReadonlyMap<string, FieldProblem>; readonly tooLarge: boolean }

/**
 * Checks submitted values against the provider's variables. Single-line values are trimmed, because pasting adds blanks; a textarea keeps
 * its blanks, with the browser's CRLF turned into LF. A URL is normalised before `pattern` and `maxLength` apply. No value is ever cut.
 */
export function checkFormValues(variables: readonly Variable[], submitted: ReadonlyMap<string, unknown>): FormCheck {
  const problems = new Map<string, FieldProblem>()
  const values: [string, string][] = []
  for (const variable of variables) {
    const raw = submitted.get(variable.name) ?? ''
    if (typeof raw !== 'string' || !isWellFormed(raw)) {
      problems.set(variable.name, 'not_text')
      continue
    }
    const value = asStored(variable, raw)
    if (value.trim() === '') {
      if (variable.required) problems.set(variable.name, 'missing')
      continue
    }
    const problem = fieldProblem(variable, value)
    if (problem) problems.set(variable.name, problem)
    else values.push([variable.name, value])
  }
  const checked = Object.fromEntries(values)
  const tooLarge = Buffer.byteLength(JSON.stringify(checked)) > MAX_CREDENTIAL_BYTES
  return problems.size === 0 && !tooLarge ? { ok: true, values: checked } : { ok: false, problems, tooLarge }
}

function asStored({ type }: Variable, raw: string): string {
  if (type === 'textarea') return raw.replace(/\r\n?/g, '\n')
  const value = raw.trim()
  // The URL parser would silently drop line breaks and tabs, which are reported as a problem.
  return type === 'url' && !hasControlCharacter(value) ? normalisedUrl(value) : value
}

function fieldProblem(variable: Variable, value: string): FieldProblem | undefined {
  if (value.length > variable.maxLength) return 'too_long'
  const withoutLines = variable.type === 'textarea' ? value.replace(/[\n\t]/g, '') : value
  if (hasControlCharacter(withoutLines)) return 'control_character'
  if (variable.type === 'url') {
    const problem = urlProblem(value, variable.allowedHosts)
    if (problem) return problem
  }
  return variable.pattern && !variable.pattern.test(value) ? 'pattern' : undefined
}

function urlProblem(value: string, allowedHosts: readonly AllowedHost[] | undefined): FieldProblem | undefined {
  const url = parsedUrl(value)
  if (!url) return 'not_a_url'
  if (!isWebUrl(url) || url.username !== '' || url.password !== '') return 'not_a_url'
  if (allowedHosts) return hostAllowed(url, allowedHosts) ? undefined : 'host_not_allowed'
  return url.protocol === 'https:' ? undefined : 'not_a_url'
}

// An operator's own tool may have left a line end, which would make every request with the value fail.
function hasStrayControlCharacter({ type }: Variable, value: string): boolean {
  return type !== 'textarea' && hasControlCharacter(value)
}

/**
 * Returns the fields of a stored value that do not fit this provider's variables; empty if all fit. Operators rotate by hand in the
 * backend, so a stored value is checked again when it is read.
 */
export function malformedFields(
  variables: readonly Variable[],
  stored: Readonly<Record<string, unknown>>,
): readonly string[] {
  return variables
    .filter((variable) => {
      const value = Object.hasOwn(stored, variable.name) ? stored[variable.name] : undefined
      if (value === undefined) return variable.required
      return typeof value !== 'string' || value === '' || hasStrayControlCharacter(variable, value)
    })
    .map((variable) => variable.name)
}
