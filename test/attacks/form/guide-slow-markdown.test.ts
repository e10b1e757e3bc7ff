import { expect, test } from 'vitest'
import { renderGuide } from '../../../src/web/pages/guide.ts'

const LONGEST_GUIDE = 20_000
/** Matches that are tried: up to 40 000 are. Each search for the end of each emphasis would take 40 million. */
const MOST_MATCHES = 60_000

// Each took 5 to 17 seconds, in which the server answered nobody.
test.each(['*a>', '*1.', '(_a', '"*a', '__1.', '~)*', ']*a'])('a guide full of %j is rendered at once', (pattern) => {
  let matches = 0
  const { exec } = RegExp.prototype
  RegExp.prototype.exec = function (text) {
    matches += 1
    if (matches > MOST_MATCHES) throw new Error('This takes too many.')
    return exec.call(this, text)
  }
  try {
    renderGuide(pattern.repeat(LONGEST_GUIDE).slice(0, LONGEST_GUIDE))
  } finally {
    RegExp.prototype.exec = exec
  }
  expect(matches).toBeLessThanOrEqual(MOST_MATCHES)
})

test('emphasis in paragraphs of a usual length stays emphasis', () => {
  expect(renderGuide(`Make a **token**, ~~not~~ a *password*. ${'Read on. '.repeat(200)}`)).toContain(
    '<strong>token</strong>, <del>not</del> a <em>password</em>',
  )
})
