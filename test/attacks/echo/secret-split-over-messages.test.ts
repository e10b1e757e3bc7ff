import { expect, test } from 'vitest'
import { probedTool, SECRET, said } from '../calls/probed-tool.ts'

const { run } = probedTool()

const HALVES = [SECRET.slice(0, 9), SECRET.slice(9)] as const

test.each([
  ['log lines', (data: string) => ({ method: 'notifications/message', params: { level: 'info', data } })],
  [
    'progress messages',
    (message: string) => ({ method: 'notifications/progress', params: { progressToken: 1, progress: 1, message } }),
  ],
])('a secret split over two %s: the second is not sent', async (_, messageOf) => {
  const seen = await run(({ handle, extra }) =>
    handle.use(async () => {
      const codes: string[] = []
      for (const half of HALVES) {
        const sent = extra.sendNotification(messageOf(`${half}`) as never)
        codes.push(
          await sent.then(
            () => 'sent',
            (error: { code: string }) => error.code,
          ),
        )
      }
      return said(codes.join(' then '))
    }),
  )
  expect(seen).toContain('sent then secret_echoed')
})

test('a secret split over a message and the result: the result is withheld', async () => {
  const seen = await run(({ handle, extra }) =>
    handle.use(async () => {
      await extra.sendNotification({ method: 'notifications/x', params: { text: `first: ${HALVES[0]}` } } as never)
      return said(`${HALVES[1]} was the second`)
    }),
  )
  expect(seen).toContain('was withheld')
})
