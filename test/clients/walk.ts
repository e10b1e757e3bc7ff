import type { ServerName } from './servers.ts'
import { linkIn, type TicketsWalk, ticketsWalk, withoutLink } from './tickets-walk.ts'

/** What one call came to at the client. */
export interface CallEnd {
  readonly text: string
  readonly isError: boolean
}

export interface WalkingClient {
  /** Calls the tool. */
  call(): Promise<CallEnd>
  close(): Promise<unknown>
}

/** What the client's user does with a question: opens its link and fills in the form, or declines. */
export type OnQuestion = (message: string, link: string) => UserAnswer

export interface UserAnswer {
  /** At once. */
  readonly action: 'accept' | 'decline'
  /** Resolves when the form is saved. */
  readonly saved: Promise<void>
}

/** A client on its way from a call to the tool's result. */
export interface Walk {
  /** As docs/clients.md names it. */
  readonly client: string
  readonly version: string
  readonly server: ServerName
  /** Connects and signs Alice in. */
  connect(tickets: TicketsWalk, onQuestion: OnQuestion): Promise<WalkingClient>
  /** Its user declines. */
  readonly declines?: boolean
  /** Its user accepts, and fills in the form after the call has ended. */
  readonly fillsLater?: boolean
  /** It finds no revision of MCP in common with this server. */
  readonly refused?: boolean
}

/** What a walk came to, as a row of docs/clients.md has it. */
export interface Row {
  readonly client: string
  readonly version: string
  readonly server: ServerName
  readonly revision: string
  readonly asked: string
  /** What the user was shown, with `*link*` in place of the link. */
  readonly shown: string
  readonly calls: number
  readonly next: 'the call goes on' | 'the client calls again' | 'the user calls again' | '–'
}

const RESULT = /^TICKET-\d+ "Printer is on fire" was created by alice\.$/m

/** Walks from call to result, and then calls once more, which must ask nothing. Rejects if any of that fails. */
export async function walkRow(walk: Walk): Promise<Row> {
  const { client: name, version, server } = walk
  const tickets = await ticketsWalk(server)
  const questions: string[] = []
  const filling: Promise<unknown>[] = []
  const row = (rest: Pick<Row, 'shown' | 'next'>): Row => {
    const { revision, asked, calls } = tickets.wire.seen()
    return { client: name, version, server, revision, asked: asked.join(', ') || '–', calls, ...rest }
  }
  const fill = async (link: string) => {
    const { status } = await tickets.fillIn(link)
    if (status !== 200) throw new Error(`${name}: the form was answered with ${status}`)
  }
  let client: WalkingClient | undefined
  try {
    const connecting = walk.connect(tickets, (message, link) => {
      questions.push(withoutLink(`${message} ${link}`))
      if (walk.declines) return { action: 'decline', saved: Promise.resolve() }
      if (walk.fillsLater) return { action: 'accept', saved: Promise.resolve() }
      const saved = fill(link)
      filling.push(saved)
      return { action: 'accept', saved }
    })
    if (walk.refused) return await refusal(connecting, row)
    client = await connecting
    const first = await client.call()
    const shown = shownBy(walk, questions, first)
    if (!first.isError) {
      expectResult(first)
      expectResult(await client.call())
      if (questions.length > 1) throw new Error(`${name}: asked ${questions.length} times`)
      return row({ shown, next: tickets.wire.seen().calls > 1 ? 'the client calls again' : 'the call goes on' })
    }
    const link = linkIn(first.text)
    if (link === '') return row({ shown, next: '–' })
    await fill(link)
    expectResult(await client.call())
    return row({ shown, next: 'the user calls again' })
  } finally {
    await Promise.allSettled(filling)
    await client?.close()
    await tickets.close()
  }
}

/** A user who declines is shown why nothing happens; one who fills in the form later sees the question and the text that ends the call. */
function shownBy({ declines, fillsLater }: Walk, questions: readonly string[], { text }: CallEnd): string {
  if (questions.length === 0 || declines) return withoutLink(text)
  return [...questions, ...(fillsLater ? [withoutLink(text)] : [])].join(' ')
}

async function refusal(
  connecting: Promise<WalkingClient>,
  row: (rest: Pick<Row, 'shown' | 'next'>) => Row,
): Promise<Row> {
  const end = await connecting.catch((error: unknown) => error)
  if (!(end instanceof Error)) throw new Error('It connected.')
  return { ...row({ shown: end.message, next: '–' }), revision: 'none' }
}

function expectResult({ text, isError }: CallEnd): void {
  if (isError || !RESULT.test(text)) throw new Error(`Expected a result, got: ${text}`)
}
