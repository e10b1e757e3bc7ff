import { expect, test } from 'vitest'
import { renderGuide } from '../../../src/web/pages/guide.ts'

// The lexer takes everything after such a tag for the tag's own raw content, and would pass it on unescaped.
test.each(['script', 'pre', 'code', 'kbd', 'style'])('text after a raw <%s> in a guide stays text', (tag) => {
  const html = renderGuide(`Press <${tag}> then <svg/onload=alert(1)//\nand <img src=x onerror=alert(1)`)
  expect(html.replaceAll(/<\/?p>/g, '')).not.toContain('<')
})

test('a guide that is nested without end is shown as it was written', () => {
  const html = renderGuide('>'.repeat(20_000))
  expect(html).toContain('&gt;&gt;&gt;')
  expect(html.replaceAll(/<\/?(?:pre|code|blockquote|p)(?: tabindex="0")?>/g, '')).not.toContain('<')
})
