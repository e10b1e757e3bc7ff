/** Reads the events of a response one by one, as they arrive. */
export interface EventReader {
  /** Returns the next event's lines, or undefined at the end. */
  next(): Promise<string | undefined>
}

export function eventReader({ body }: Response): EventReader {
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  return {
    async next() {
      for (;;) {
        const end = rest.indexOf('\n\n')
        if (end !== -1) {
          const event = rest.slice(0, end)
          rest = rest.slice(end + 2)
          return event
        }
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
        if (done) return undefined
        rest += value
      }
    },
  }
}
