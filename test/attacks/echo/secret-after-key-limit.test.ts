import { expect, test } from 'vitest'
import { probedTool, SECRET, said } from '../calls/probed-tool.ts'

const { run } = probedTool()
const crowd = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`key${at}`, `v${at}`]))

// The ends of 100 keys are kept: of those that came first to a Map last, not of those used last.
test.each([10, 150])(
  'a secret split over a message with %i other keys and the result: the result is withheld',
  async (count) => {
    const seen = await run(({ handle, extra }) =>
      handle.use(async () => {
        const data = { text: SECRET.slice(0, 9), ...crowd(count) }
        await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } })
        return said(SECRET.slice(9))
      }),
    )
    expect(seen).toContain('was withheld')
  },
)
