import { checkFormValues, type FieldProblem } from '../../core/model/form-values.ts'
import { defineVariables, MAX_VALUE_LENGTH, type VariableType } from '../../core/model/variables.ts'
import { UsageError } from '../terminal/command-line.ts'

export const VARIABLE_TYPES: readonly VariableType[] = ['string', 'password', 'url', 'textarea']

const PROBLEMS: Partial<Record<FieldProblem, string>> = {
  missing: 'is empty or blank',
  too_long: `is longer than ${MAX_VALUE_LENGTH} characters`,
  not_text: 'is not well-formed text',
  not_a_url: 'is not an https URL without user name and password',
}

/**
 * Returns the value as the form would store it, after the form's own check for a variable of this type. A single line is trimmed, a
 * textarea is kept byte for byte.
 *
 * @throws UsageError when the form would refuse it; never quotes it
 */
export function newValue(text: string, type: VariableType): string {
  const checked = checkedValue(text, type)
  if ('problem' in checked) throw new UsageError(`the new value ${checked.problem}`)
  return checked.value
}

/** The same for one value of many: the problem is the predicate of a sentence, such as `is empty or blank`. */
export function checkedValue(
  text: string,
  type: VariableType,
): { readonly value: string } | { readonly problem: string } {
  // Only the type is known here. Bounds and patterns are in the server's code and only the form checks them.
  const variables = defineVariables({ value: { label: 'Value', type, maxLength: MAX_VALUE_LENGTH } })
  const check = checkFormValues(variables, new Map([['value', text]]))
  if (!check.ok) return { problem: problemOf(check.problems.get('value'), type) }
  const { value = '' } = check.values
  if (type === 'textarea' && value !== text)
    return { problem: 'has CR line ends, which the form never stores; convert them to LF first' }
  return { value }
}

/** @param type of the variable, where only that is known */
export function problemOf(problem: FieldProblem | undefined, type: VariableType): string {
  if (problem === undefined) return 'is too large for a credential'
  if (problem === 'control_character') {
    return type === 'textarea'
      ? 'contains control characters'
      : 'contains control characters or more than one line; several lines need --type textarea'
  }
  return PROBLEMS[problem] ?? `is one that the form refuses (${problem})`
}
