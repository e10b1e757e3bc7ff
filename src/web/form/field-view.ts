import type { AllowedHost } from '../../core/model/allowed-hosts.ts'
import type { FieldProblem } from '../../core/model/form-values.ts'
import type { Variable } from '../../core/model/variables.ts'
import type { FieldView } from '../pages/page-views.ts'

export interface Typed {
  readonly values: ReadonlyMap<string, string>
  readonly problems: ReadonlyMap<string, FieldProblem>
}

export function fieldView(variable: Variable, typed: Typed | undefined): FieldView {
  const { name, label, hint, type, required } = variable
  const problem = typed?.problems.get(name)
  const id = `field-${name}`
  const error = problem && problemText(variable, problem)
  const describedBy = [hint === undefined ? '' : `hint-${name}`, error === undefined ? '' : `error-${name}`]
    .filter((part) => part !== '')
    .join(' ')
  const masked = isMasked(variable)
  return {
    id,
    name,
    label,
    optional: !required,
    hint,
    error,
    describedBy: describedBy === '' ? undefined : describedBy,
    control: type === 'textarea' ? 'textarea' : 'input',
    type: masked ? 'password' : type === 'url' ? 'url' : 'text',
    value: keeps(variable) ? (typed?.values.get(name) ?? '') : '',
    masked,
  }
}

/** Whether a typed value may be shown again on a page. */
export function keeps(variable: Variable): boolean {
  return !variable.secret && variable.type !== 'password'
}

function isMasked({ type, secret }: Variable): boolean {
  return type === 'password' || (secret && type !== 'textarea')
}

/** Returns a sentence that names the field, so that it also fits the summary above the form. It never contains the typed value. */
export function problemText({ label, type, maxLength, allowedHosts }: Variable, problem: FieldProblem): string {
  switch (problem) {
    case 'missing':
      return `${label}: enter a value.`
    case 'too_long':
      return `${label}: this is longer than ${maxLength} characters.`
    case 'control_character':
      return type === 'textarea'
        ? `${label}: this contains characters that cannot be typed. Copy it again as plain text.`
        : `${label}: this contains a line break or another character that does not belong. Copy only the value itself.`
    case 'not_a_url':
      return `${label}: enter a web address that starts with https://`
    case 'host_not_allowed':
      return `${label}: this server accepts only ${(allowedHosts ?? []).map(hostText).join(', ')}.`
    case 'pattern':
      return `${label}: this does not have the expected form. Check that all of it was copied.`
    case 'header_value':
      return `${label}: this contains a character that cannot be sent to the service, such as an invisible one. Copy it again as plain text.`
    case 'colon':
      return `${label}: this must not contain a colon.`
    case 'not_text':
      return `${label}: this contains characters that cannot be read. Copy it again as plain text.`
  }
}

function hostText({ protocol, hostname, subdomains, port }: AllowedHost): string {
  return `${protocol}//${subdomains ? '*.' : ''}${hostname}${port === '' ? '' : `:${port}`}`
}
