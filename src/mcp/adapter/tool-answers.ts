import type { GateOutcome } from '../../core/gate/gate.ts'

/** The members of a tool's result that a gate reads. The types of every SDK have them. */
interface ToolResult {
  readonly content?: unknown
  readonly isError?: boolean | undefined
}

/** Returns a tool's error, which reaches model and user. The tool's output schema does not apply to it. */
export function textAnswer(text: string): { content: { type: 'text'; text: string }[]; isError: true } {
  return { content: [{ type: 'text', text }], isError: true }
}

/** Returns a prompt's result, in which the user reads the text and the model can relay it. A prompt has no error of its own. */
export function promptAnswer(text: string): { messages: { role: 'user'; content: { type: 'text'; text: string } }[] } {
  return { messages: [{ role: 'user', content: { type: 'text', text } }] }
}

/**
 * Returns the result with the notice that is due, if any. A tool's error is left alone, and so is what a handler in plain JavaScript returns
 * instead of a result, or a question of the tool's own.
 */
export async function withNotice<R extends object>({ result, notice }: ResultOutcome<R>): Promise<R> {
  const { content, isError }: ToolResult = result ?? {}
  if (!Array.isArray(content) || isError) return result
  const text = await notice?.()
  return text === undefined ? result : { ...result, content: [...content, { type: 'text', text }] }
}

type ResultOutcome<R> = Extract<GateOutcome<R>, { kind: 'result' }>
