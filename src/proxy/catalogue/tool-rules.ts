import { isJsonObject } from '../../core/model/json.ts'
import type { Message, Request } from '../upstream/message.ts'
import type { Catalogue, ListMethod } from './catalogue.ts'

/** Which tools of an upstream clients see and may call. */
export interface ToolRules {
  readonly allow?: readonly string[] | undefined
  readonly deny?: readonly string[] | undefined
}

/** Narrows a catalogue: a tool that the rules exclude is neither listed nor called. The answer to a call is that of an unknown tool. */
export function withToolRules(catalogue: Catalogue, rules: ToolRules | undefined): Catalogue {
  if (!rules) return catalogue
  const admits = admitted(rules)
  const isSeen = (entry: unknown) => isJsonObject(entry) && admits(entry['name'])
  const narrowed = (result: unknown): unknown =>
    isJsonObject(result) && Array.isArray(result['tools'])
      ? { ...result, tools: result['tools'].filter(isSeen) }
      : result
  return {
    ...catalogue,
    list: (method) => (method === 'tools/list' ? narrowed(catalogue.list(method)) : catalogue.list(method)),
    pass(method: ListMethod, answer: Message) {
      const passed = catalogue.pass(method, answer)
      return method === 'tools/list' && 'result' in passed ? { ...passed, result: narrowed(passed.result) } : passed
    },
    refuses(request: Request) {
      if (!callsTool(request.method)) return catalogue.refuses(request)
      // A server may take what is only like the method's name, so only the name itself is judged by the tool's.
      if (request.method === 'tools/call' && admits(request.params?.['name'])) return catalogue.refuses(request)
      return NOT_HERE
    },
  }
}

const NOT_HERE = 'There is no such tool here.'

/** Whether a lenient server could take the method for a call of a tool. */
function callsTool(method: string): boolean {
  return plain(method) === 'toolscall'
}

/**
 * A tool is allowed by its very name, and denied by whatever a lenient server could take for the name of a denied one: other case, other
 * separators, other characters of the same letters. A name that is no text is nobody's.
 */
function admitted({ allow, deny = [] }: ToolRules): (name: unknown) => boolean {
  const allowed = allow?.map((pattern) => matching(pattern, (text) => text))
  const denied = deny.map((pattern) => matching(pattern, plain))
  return (name) =>
    typeof name === 'string' &&
    (allowed?.some((matches) => matches(name)) ?? true) &&
    !denied.some((matches) => matches(plain(name)))
}

function matching(pattern: string, form: (text: string) => string): (name: string) => boolean {
  if (!pattern.endsWith('*')) return (name) => name === form(pattern)
  const beginning = form(pattern.slice(0, -1))
  return (name) => name.startsWith(beginning)
}

/** The letters and digits of a name, in one case and without accents. */
function plain(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')
}
