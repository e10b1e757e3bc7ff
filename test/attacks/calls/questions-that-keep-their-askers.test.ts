import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { createOpenQuestions } from '../../../src/mcp/adapter/open-questions.ts'

// A client may repeat a call again and again while another call of the connection has asked for the same link. What each repeated call has
// left behind stays until the first one ends, which is up to ten minutes later.
test('a call that has ended leaves nothing behind at the call that asked first', async () => {
  const questions = createOpenQuestions()
  const first = new AbortController()
  void questions.ask('https://link.example', first.signal, () => new Promise(() => {}))
  for (let at = 0; at < 1000; at += 1) {
    const again = new AbortController()
    const asked = questions.ask('https://link.example', again.signal, async () => 'accept')
    again.abort()
    await asked
  }
  expect(getEventListeners(first.signal, 'abort').length).toBeLessThan(10)
})
