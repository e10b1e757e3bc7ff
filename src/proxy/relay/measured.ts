import { isJsonObject } from '../../core/model/json.ts'
import { CANCELLED, errorOf } from '../../mcp/transport/measured-connection.ts'
import type { Reply } from '../session/reply.ts'
import type { Message } from '../upstream/message.ts'
import type { Served } from './proxy-exchange.ts'

/** Serves one request or notification of a client, and measures it from its arrival until its answer is handed on. */
export async function measured<S extends Served>(
  served: S,
  message: Message & { readonly method: string },
  serve: (served: S) => Promise<void>,
): Promise<void> {
  const { route, exchange, reply } = served
  const given = message.params?.['_meta']
  const meta = isJsonObject(given) ? given : undefined
  const operation = route.operations?.begin(message.method, { meta, headers: exchange.ctx.req.headers })
  if (!operation) return serve(served)
  let error: string | undefined
  const watched: Reply = {
    ...reply,
    finish(answer, details) {
      const { result } = answer
      error = errorOf({ ...(answer.error && { error: answer.error }), ...(isJsonObject(result) && { result }) })
      return reply.finish(answer, details)
    },
  }
  try {
    await operation.run(() => serve({ ...served, reply: watched }))
  } finally {
    operation.end(error ?? (reply.gone.aborted ? CANCELLED : undefined))
  }
}
