/** What a child does to one credential. */
export type Step = 'save' | 'revoke' | 'purge' | 'read'

/**
 * One line on the child's standard output. Times are of the system's monotonic clock, which all processes share, in nanoseconds.
 * A line `+` is written before the step begins, a line `-` after it was acknowledged; what was never acknowledged was in flight.
 */
export interface Message {
  readonly kind: '+' | '-'
  readonly id: string
  readonly at: number
  readonly subject: string
  readonly step: Step
  /** Of a save that begins: the value. Acknowledged: `yes`, `no` for a revocation that found nothing, or what a read found. */
  readonly detail: string
}

export const ISSUER = 'https://login.example.com'
export const PROVIDER = 'jira'
/** The child has loaded its code and is about to open the store. */
export const LOADED = 'loaded'
/** The child has finished all it was told to do. */
export const DONE = 'done'

export function format({ kind, id, at, subject, step, detail }: Message): string {
  return [kind, id, at, subject, step, detail].join(' ')
}

/** undefined for what is no whole message. */
export function parse(line: string): Message | undefined {
  const [kind, id, at, subject, step, detail] = line.split(' ')
  if ((kind !== '+' && kind !== '-') || !id || !at || !subject || !isStep(step) || detail === undefined)
    return undefined
  return { kind, id, at: Number(at), subject, step, detail }
}

function isStep(text: string | undefined): text is Step {
  return text === 'save' || text === 'revoke' || text === 'purge' || text === 'read'
}
