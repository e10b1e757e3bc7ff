import { inspect } from 'node:util'

const THOROUGH = {
  depth: 10,
  showHidden: true,
  maxArrayLength: null,
  maxStringLength: null,
  breakLength: Number.POSITIVE_INFINITY,
} as const

/** An object in every way in which a log or a message may show it. */
export function everyPrintOf(value: unknown): string {
  const prints = [
    () => inspect(value, THOROUGH),
    () => inspect(value, { ...THOROUGH, customInspect: false }),
    () => JSON.stringify(value),
    () => String(value),
    () => inspect(structuredClone(value), THOROUGH),
    () => (typeof value === 'object' && value !== null ? inspect({ ...value }, THOROUGH) : ''),
  ]
  return prints.map(attempt).join('\n')
}

/** An error with its causes and stacks, which are hidden from most prints. */
export function everyPrintOfError(error: unknown, depth = 0): string {
  if (!(error instanceof Error) || depth > 10) return everyPrintOf(error)
  const inner = error instanceof AggregateError ? error.errors : []
  return [
    everyPrintOf(error),
    error.message,
    error.stack ?? '',
    everyPrintOf(Object.getOwnPropertyDescriptors(error)),
    ...[error.cause, ...inner].filter((one) => one !== undefined).map((one) => everyPrintOfError(one, depth + 1)),
  ].join('\n')
}

// Functions cannot be cloned, and what is circular has no JSON: then there is nothing to be seen that way.
function attempt(print: () => string | undefined): string {
  try {
    return print() ?? ''
  } catch {
    return ''
  }
}
