import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createJsonLines } from '../../../src/proxy/children/messages/json-lines.ts'
import { createMessageQueue } from '../../../src/proxy/children/messages/message-queue.ts'

const messagesOf = (chunks: readonly Uint8Array[], most = 1_000_000) => {
  const lines = createJsonLines(most)
  return { messages: chunks.flatMap((chunk) => lines.push(chunk)).map(({ message }) => message), lines }
}

test('messages are the same however their bytes are cut into chunks', () => {
  const parameters = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue())
  const anyMessage = fc.record({ jsonrpc: fc.constant('2.0' as const), method: fc.string(), params: parameters })
  fc.assert(
    fc.property(
      fc.array(anyMessage),
      fc.infiniteStream(fc.nat(40)),
      fc.constantFrom('\n', '\r\n'),
      (sent, sizes, end) => {
        const bytes = Buffer.from(sent.map((message) => JSON.stringify(message) + end).join(''))
        const chunks: Uint8Array[] = []
        for (let at = 0; at < bytes.length; ) {
          const size = 1 + (sizes.next().value ?? 0)
          chunks.push(bytes.subarray(at, at + size))
          at += size
        }
        const { messages, lines } = messagesOf(chunks)
        expect(messages).toEqual(JSON.parse(JSON.stringify(sent)))
        expect(lines.invalid).toBe(0)
      },
    ),
  )
})

test('random bytes throw nothing, and become no message', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (chunks) => {
      expect(messagesOf(chunks).messages).toEqual([])
    }),
  )
})

test.each([
  ['{"jsonrpc":"2.0","id":1,"result":{}}', 1],
  ['{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"no"}}', 1],
  ['{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"no"}}', 1],
  ['{"jsonrpc":"2.0","method":"ours/unknown","more":true}', 1],
  ['[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","method":"m"},3]', 2],
  ['{"jsonrpc":"2.0","result":{}}', 0],
  ['{"jsonrpc":"2.0","method":7}', 0],
  ['{"id":1,"result":{}}', 0],
  ['null', 0],
  ['"text"', 0],
  ['{"jsonrpc":"2.0","id":1,"result":{}', 0],
])('%s is %i messages', (line, count) => {
  const { messages, lines } = messagesOf([Buffer.from(`${line}\n`)])
  expect(messages).toHaveLength(count)
  expect(lines.invalid).toBe(count === 0 ? 1 : 0)
})

test('members that nobody knows stay', () => {
  const message = { jsonrpc: '2.0', id: 1, result: { ours: true }, _extra: [1] }
  expect(messagesOf([Buffer.from(`${JSON.stringify(message)}\n`)]).messages).toEqual([message])
})

test('a line of the longest length is read, a longer one is dropped, and the next one is read', () => {
  const line = (length: number) =>
    `${JSON.stringify({ jsonrpc: '2.0', method: 'm', text: '' }).slice(0, -2)}${'x'.repeat(length)}"}`
  const most = line(100).length
  const { messages, lines } = messagesOf(
    [line(100), '\n', line(101), line(100_000), '\n', line(1), '\n'].map((text) => Buffer.from(text)),
    most,
  )
  expect(messages).toHaveLength(2)
  expect(lines.invalid).toBe(1)
})

test('a queue pauses its source while too much waits, and drops all of it when it is closed', async () => {
  const calls: string[] = []
  const queue = createMessageQueue(1_000, { pause: () => calls.push('pause'), resume: () => calls.push('resume') })
  const line = (id: number) => ({ message: { jsonrpc: '2.0' as const, id, result: {} }, bytes: 40 })
  queue.add([line(1), line(2), line(3)])
  expect(calls).toEqual([])
  queue.add([line(4)])
  expect(calls).toEqual(['pause'])
  expect(await queue.messages.next()).toMatchObject({ value: { id: 1 } })
  expect(calls).toEqual(['pause'])
  expect(await queue.messages.next()).toMatchObject({ value: { id: 2 } })
  expect(await queue.messages.next()).toMatchObject({ value: { id: 3 } })
  expect(calls).toEqual(['pause', 'resume'])
  queue.close()
  queue.add([line(5)])
  expect(await queue.messages.next()).toEqual({ value: undefined, done: true })
})

test('a queue that is finished hands out what waits, and has one reader', async () => {
  const queue = createMessageQueue(100, { pause: () => undefined, resume: () => undefined })
  const message = { jsonrpc: '2.0' as const, method: 'm' }
  const first = queue.messages.next()
  await expect(queue.messages.next()).rejects.toThrow('one reader')
  queue.add([message, message].map((each) => ({ message: each, bytes: 10 })))
  queue.finish()
  expect(await first).toEqual({ value: message, done: false })
  expect(await queue.messages.next()).toEqual({ value: message, done: false })
  expect(await queue.messages.next()).toMatchObject({ done: true })
})

test('a queue hands out a hundred thousand messages in order', async () => {
  const queue = createMessageQueue(1e9, { pause: () => undefined, resume: () => undefined })
  queue.add(Array.from({ length: 100_000 }, (_, id) => ({ message: { jsonrpc: '2.0', id, result: {} }, bytes: 40 })))
  queue.finish()
  let expected = 0
  for await (const message of queue.messages) {
    if (message['id'] !== expected) throw new Error(`${expected} is missing`)
    expected += 1
  }
  expect(expected).toBe(100_000)
})
