/** What a client saw, in order, and what came to it by itself. */
export class Transcript {
  readonly entries: unknown[] = []
  readonly heard: unknown[] = []

  note(what: string, value: unknown): void {
    this.entries.push([what, normal(value)])
  }

  /** What comes on a stream of its own has no order among the rest, and some of it comes more or less often. */
  hear(what: string, value: unknown): void {
    this.heard.push(JSON.stringify([what, normal(value)]))
  }

  async try(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      this.note(what, await work())
    } catch (error) {
      const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
      this.note(what, { code, message })
    }
  }

  get result() {
    return { entries: this.entries, heard: [...new Set(this.heard)].sort() }
  }
}

/** Ids, times and random values, which differ between two runs against the same server. */
const RANDOM: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>'],
  [/\b[0-9a-f]{32}\b/g, '<id>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?/g, '<time>'],
  [/\d{1,2}:\d\d:\d\d( ?[AP]M)?/g, '<time>'],
  [/session undefined/g, 'session <uuid>'],
  // A blob of server-everything, which has the time inside.
  [/UmVzb3VyY2Ug[A-Za-z0-9+/=]+/g, '<blob>'],
]

export function normal(value: unknown): unknown {
  if (value === undefined) return null
  let text = JSON.stringify(value)
  for (const [pattern, name] of RANDOM) text = text.replace(pattern, name)
  return JSON.parse(text)
}
