import { parsedJson } from '../../core/model/json.ts'
import { asMessage } from '../upstream/message.ts'
import { type UpstreamEvent, UpstreamProblem } from '../upstream/upstream.ts'

/** Reads an event stream (HTML, server-sent events) as it arrives. One event may have `maxEventBytes`. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  maxEventBytes: number,
): AsyncGenerator<UpstreamEvent> {
  const decoder = new TextDecoder()
  let fields: Fields = { size: 0 }
  let rest = ''
  for await (const chunk of body) {
    const text = rest + decoder.decode(chunk, { stream: true })
    // A carriage return at the end may be the first half of a line end.
    const lines = text.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    if (rest.length + fields.size > maxEventBytes) throw tooLarge()
    for (const line of lines) {
      if (line === '') {
        const event = eventOf(fields)
        if (event) yield event
        fields = { size: 0 }
      } else {
        addLine(fields, line)
        if (fields.size > maxEventBytes) throw tooLarge()
      }
    }
  }
  // An event without its blank line was cut off and does not count.
}

interface Fields {
  size: number
  id?: string
  retry?: number
  data?: string
}

function addLine(fields: Fields, line: string): void {
  fields.size += line.length
  const colon = line.indexOf(':')
  if (colon === 0) return
  const name = colon === -1 ? line : line.slice(0, colon)
  const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
  // NUL cannot be in the header that names the event.
  if (name === 'id' && isEventId(value)) fields.id = value
  else if (name === 'retry' && /^\d{1,9}$/.test(value)) fields.retry = Number(value)
  else if (name === 'data') fields.data = fields.data === undefined ? value : `${fields.data}\n${value}`
}

function eventOf({ id, retry, data }: Fields): UpstreamEvent | undefined {
  const message = data === undefined || data === '' ? undefined : asMessage(parsedJson(data))
  if (data !== undefined && data !== '' && !message) return undefined
  const event = {
    ...(message && { message }),
    ...(id !== undefined && { id }),
    ...(retry !== undefined && { retry }),
  }
  return Object.keys(event).length > 0 ? event : undefined
}

/** Whether the text can be sent back in a header. */
export function isEventId(text: string): boolean {
  return text.length <= 1024 && /^[\x20-\x7e]*$/.test(text)
}

function tooLarge(): UpstreamProblem {
  return new UpstreamProblem('failed', 'The upstream server sent a message that is too large.')
}
