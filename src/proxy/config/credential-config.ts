import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'
import { VARIABLE_NAME, type VariablesOptions } from '../../core/model/variables.ts'
import type { UpstreamCredentialOptions, UpstreamVariable } from './upstream-options.ts'

const variableSchema = z.strictObject({
  label: z.string().min(1).max(100).describe("The field's label on the form."),
  type: z.enum(['string', 'password', 'url', 'textarea']).default('string'),
  hint: z.string().max(500).optional(),
  required: z.boolean().default(true),
  pattern: z
    .string()
    .max(500)
    .refine(isPattern, 'must be a regular expression')
    .optional()
    .describe('A regular expression that the whole value must match.'),
  maxLength: z.int().min(1).max(16_384).optional(),
  allowedHosts: z.array(z.string()).min(1).optional(),
  secret: z.boolean().optional(),
} satisfies OptionSchemas<UpstreamVariable>)

/** What is asked of each user. */
export const credentialSchema = z.strictObject({
  provider: z.string().optional().describe("Name under which the credential is stored. Default: the upstream's name."),
  variables: z
    .record(
      z.string().regex(VARIABLE_NAME, 'names have letters, digits and underscores and start with a letter'),
      variableSchema,
    )
    .describe("The form's fields by name."),
  doc: z.string().max(20_000).optional().describe('Guide for the user in Markdown.'),
  manageUrl: z.string().max(500).optional().describe("The service's own page on which users delete their tokens."),
  expiry: z.enum(['optional', 'required']).optional(),
  maxAgeDays: z.int().min(1).max(3650).optional(),
  tokenTimeoutSeconds: z.int().min(1).max(3600).optional(),
} satisfies OptionSchemas<UpstreamCredentialOptions>)

export type CredentialConfig = z.output<typeof credentialSchema>

/** Returns the variables as a provider takes them. */
export function variablesOf({ variables }: CredentialConfig): VariablesOptions {
  const made = Object.entries(variables).map(([name, { pattern, ...variable }]) => {
    const given = Object.entries({ ...variable, pattern: pattern && new RegExp(pattern) })
    return [name, Object.fromEntries(given.filter(([, value]) => value !== undefined))]
  })
  // The schema has checked each of them.
  return Object.fromEntries(made) as VariablesOptions
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp
  } catch {
    return false
  }
}
