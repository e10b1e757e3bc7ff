import type { KoaContext, OwnKoa } from '../ports/koa.ts'

const GONE = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ECANCELED', 'ERR_STREAM_PREMATURE_CLOSE'])

/**
 * Keeps connections that their clients broke off out of the application's error output, where Koa prints a stack for each. Anybody can break
 * off a connection, so they would fill an operator's log. All other errors are printed.
 *
 * @param print default: as Koa does
 */
export function silenceGoneClients(
  app: Pick<OwnKoa, 'on' | 'onerror'>,
  print = (error: Error) => app.onerror(error),
): void {
  app.on('error', (error: unknown, context?: KoaContext) => {
    if (isGone(error) && context?.req.socket.destroyed) return
    print(error instanceof Error ? error : new Error('A value that is no error was thrown.'))
  })
}

function isGone(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return false
  // Node's parser reports a request that ends in the middle.
  return GONE.has(error.code) || error.code.startsWith('HPE_')
}
