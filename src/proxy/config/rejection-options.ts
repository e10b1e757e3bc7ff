import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'

/** An error of the server that says that its service did not accept the credential. */
export interface RejectedWhen {
  /** A regular expression. Tools' errors have no status, so their text is searched for it. */
  readonly text: string
  /** Only errors of these tools. Default: of every tool, and of other requests. */
  readonly tools?: readonly string[] | undefined
}

const toolNames = z.array(z.string().min(1).max(128)).min(1).max(100)

export const rejectedWhenSchema = z
  .array(
    z.strictObject({
      text: z.string().min(1).max(500).refine(isPattern, 'must be a regular expression'),
      tools: toolNames.optional(),
    } satisfies OptionSchemas<RejectedWhen>),
  )
  .min(1)
  .max(20)
  .optional()
  .describe('Errors of the server that mean that its service did not accept the credential.')

export const repeatableSchema = toolNames
  .optional()
  .describe('Tools that may be called twice for one call: they only read, or a second call changes nothing more.')

export function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp
  } catch {
    return false
  }
}
