import { startService } from '../http-service.ts'

/** The service that an upstream acts at: it knows people by their tokens alone. */
export interface StandInService {
  readonly origin: string
  /** What people did there, in order. */
  readonly done: readonly { readonly who: string; readonly what: string }[]
  /** Tokens that came, in order. */
  tokens(): readonly string[]
  /** Whose token this is, from now on. Undefined: nobody's. */
  know(token: string, who: string | undefined): void
  close(): Promise<void>
}

export async function startStandInService(): Promise<StandInService> {
  const people = new Map<string, string>()
  const tokens: string[] = []
  const done: { who: string; what: string }[] = []
  const service = await startService((request, response) => {
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
    tokens.push(token)
    const who = people.get(token)
    if (who === undefined) return void response.writeHead(401).end()
    done.push({ who, what: request.url ?? '' })
    response.end(who)
  })
  return {
    origin: service.origin,
    done,
    tokens: () => tokens,
    know(token, who) {
      if (who === undefined) people.delete(token)
      else people.set(token, who)
    },
    close: () => service.close(),
  }
}
