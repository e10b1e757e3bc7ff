import type { Writable } from 'node:stream'

/** A stream accepts no more text: its reader has stopped, as `head` does, or its disk is full. */
export class OutputEnded extends Error {}

export interface Output {
  /** @throws OutputEnded after a failure, so that a command stops, and closes what it has open */
  write(text: string): void
  /** Resolves when everything is written, to the code of the failure, if there was one, such as `ENOSPC`. A closed pipe is none. */
  finished(): Promise<string | undefined>
}

/** Reports a stream's failure to its writer; unhandled, it would end the process with a stack trace. */
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
