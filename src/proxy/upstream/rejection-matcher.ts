import { isJsonObject } from '../../core/model/json.ts'
import type { Message, Request } from './message.ts'

/** Finds errors of a server that say that its service did not accept the credential. */
export interface RejectionMatcher {
  isRejection(request: Pick<Request, 'method' | 'params'>, answer: Message): boolean
  /** Whether the operator has declared that the request may be sent twice. */
  mayRepeat(request: Request): boolean
}

/** Longer texts are searched to this length. Characters. */
const MAX_SEARCHED = 65_536

/** What the operator has declared about an upstream's errors. */
export interface DeclaredRejections {
  readonly rejectedWhen?:
    | readonly { readonly text: string; readonly tools?: readonly string[] | undefined }[]
    | undefined
  readonly repeatable?: readonly string[] | undefined
}

export function rejectionMatcher({ rejectedWhen = [], repeatable = [] }: DeclaredRejections): RejectionMatcher {
  const rules = rejectedWhen.map(({ text, tools }) => ({ pattern: new RegExp(text, 'u'), tools }))
  return {
    isRejection(request, answer) {
      if (rules.length === 0) return false
      const text = errorTextOf(answer)
      const name = toolName(request)
      return (
        text !== undefined &&
        rules.some(
          ({ pattern, tools }) =>
            (tools === undefined || (name !== undefined && tools.includes(name))) && pattern.test(text),
        )
      )
    },
    mayRepeat(request) {
      const name = toolName(request)
      // What is no tool reads by its nature, as far as MCP defines it.
      return name === undefined ? READING.has(request.method) : repeatable.includes(name)
    },
  }
}

const READING: ReadonlySet<string> = new Set(['prompts/get', 'resources/read', 'completion/complete'])

function toolName({ method, params }: Pick<Request, 'method' | 'params'>): string | undefined {
  const name = method === 'tools/call' ? params?.['name'] : undefined
  return typeof name === 'string' ? name : undefined
}

/** Returns the text of a tool's error or of an error of MCP, or undefined for a good answer. */
export function errorTextOf({ result, error }: Message): string | undefined {
  if (error) return error.message.slice(0, MAX_SEARCHED)
  if (!isJsonObject(result) || result['isError'] !== true) return undefined
  const blocks = Array.isArray(result['content']) ? result['content'] : []
  const texts = blocks.filter(isJsonObject).map(({ text }) => (typeof text === 'string' ? text : ''))
  return texts.join('\n').slice(0, MAX_SEARCHED)
}
