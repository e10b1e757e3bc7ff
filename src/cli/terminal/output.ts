import type { Writable } from 'node:stream'

/** A stream accepts no more text: its reader has exited, like `head`, or its disk is full. */
export class OutputEnded extends Error {}

export interface Output {
  /** @throws OutputEnded after a failure, so that a command stops and closes what it opened */
  write(text: string): void
  /** Resolves once everything is written, with the code of a failure such as `ENOSPC`, if any. A closed pipe is no failure. */
  finished(): Promise<string | undefined>
}

/** Reports a stream's failure to its writer. An unhandled one would end the process with a stack trace. */
export function outputTo(stream: Writable): Output {
  let failure: string | undefined
  stream.on('error', (error: NodeJS.ErrnoException) => {
    failure ??= error.code ?? error.name
  })
  return {
    write(text) {
      if (failure !== undefined) throw new OutputEnded()
      stream.write(text)
    },
    async finished() {
      // The error event comes after the callback.
      if (failure === undefined) await new Promise((resolve) => stream.write('', () => setImmediate(resolve)))
      return failure === 'EPIPE' ? undefined : failure
    },
  }
}
