import { expect, test } from 'vitest'
import { renderGuide } from '../../src/web/guide.ts'

const LONGEST_GUIDE = 20_000

// Each took 5 to 17 seconds, in which the server answered nobody.
test.each(['*a>', '*1.', '(_a', '"*a', '__1.', '~)*', ']*a'])('a guide full of %j is rendered at once', (pattern) => {
  const start = performance.now()
  renderGuide(pattern.repeat(LONGEST_GUIDE).slice(0, LONGEST_GUIDE))
  expect(performance.now() - start).toBeLessThan(3000)
})

test('emphasis in paragraphs of a usual length stays emphasis', () => {
  expect(renderGuide(`Make a **token**, ~~not~~ a *password*. ${'Read on. '.repeat(200)}`)).toContain(
    '<strong>token</strong>, <del>not</del> a <em>password</em>',
  )
})
