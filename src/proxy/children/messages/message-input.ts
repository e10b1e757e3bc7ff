import type { Writable } from 'node:stream'
import { CredentialVaultError } from '../../../core/model/errors.ts'
import type { JsonRpcMessage } from './json-lines.ts'

/** Writes messages to a child, as a line each. */
export interface MessageInput {
  /**
   * Resolves once the pipe has taken the message. Rejects with the stream's error if the child has closed it.
   *
   * @param begun called before anything is written
   * @throws `configuration_invalid` (`too_large`), `unavailable` (`overloaded`)
   */
  write(message: JsonRpcMessage, begun: () => void): Promise<void>
}

export interface MessageLimits {
  readonly maxMessageBytes: number
  readonly maxWaitingBytes: number
}

export function createMessageInput(pipe: Writable, { maxMessageBytes, maxWaitingBytes }: MessageLimits): MessageInput {
  return {
    async write(message, begun) {
      const line = Buffer.from(`${JSON.stringify(message)}\n`)
      if (line.length > maxMessageBytes) {
        throw new CredentialVaultError('configuration_invalid', 'The message is longer than a server may be sent.', {
          reason: 'too_large',
        })
      }
      // The pipe is full, so the child does not read.
      if (pipe.writableLength > 0 && pipe.writableLength + line.length > maxWaitingBytes) {
        throw new CredentialVaultError('unavailable', 'The server does not read what it is sent. Try again later.', {
          reason: 'overloaded',
          retryable: true,
        })
      }
      begun()
      await new Promise<void>((resolve, reject) => {
        pipe.write(line, (error) => (error ? reject(error) : resolve()))
      })
    },
  }
}
