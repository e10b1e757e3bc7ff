import { expect, test } from 'vitest'
import { renderGuide } from '../../../src/web/pages/guide.ts'

test("Markdown becomes readable HTML below the page's own heading", () => {
  const html = renderGuide(
    '# One\n\n## Two\n\n###### Six\n\nA **bold** `code`\n\n- [x] done\n\n| a | b |\n|---|---|\n| 1 | 2 |',
  )
  expect(html).toContain('<h2>One</h2>')
  expect(html).toContain('<h3>Two</h3>')
  expect(html).toContain('<h6>Six</h6>')
  expect(html).toContain('<strong>bold</strong>')
  expect(html).toContain('☑ done')
  expect(html).toContain('<table>')
})

test('links open elsewhere, say where they go, and tell nothing', () => {
  expect(renderGuide('[Tokens](https://id.atlassian.com/x?a=1&b=2)')).toBe(
    '<p><a href="https://id.atlassian.com/x?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">Tokens</a> <span class="host">(id.atlassian.com)</span></p>\n',
  )
  expect(renderGuide('https://id.atlassian.com/')).not.toContain('class="host"')
  expect(renderGuide('[mail](mailto:it@example.com)')).toContain('href="mailto:it@example.com"')
})

test.each([
  '<script>alert(1)</script>',
  'text <img src=x onerror=alert(1)> text',
  '<iframe src="//evil.example.com"></iframe>',
  '<form action="//evil.example.com"><input name=pat></form>',
  '<style>*{display:none}</style>',
  '<svg onload=alert(1)>',
  '<base href="//evil.example.com">',
  '<meta http-equiv=refresh content="0;url=//evil.example.com">',
  '[a](javascript:alert(1))',
  '[a](JaVaScRiPt:alert(1))',
  '[a](java&#115;cript:alert(1))',
  '[a](data:text/html,<script>alert(1)</script>)',
  '[a](vbscript:x)',
  '[a](//evil.example.com)',
  '[a](/credentials/sign-out)',
  '![x](https://evil.example.com/pixel.png)',
  '![x" onerror="alert(1)](x)',
  '[a](https://example.com/" onmouseover="alert(1))',
  '[<img src=x onerror=alert(1)>](https://example.com/)',
  '```html"><script>alert(1)</script>\n<script>alert(1)</script>\n```',
  '<!-- --><script>alert(1)</script><!-- -->',
  '# <script>alert(1)</script>',
  '| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |',
])('%s comes out as text', (hostile) => {
  const html = renderGuide(hostile)
  const tags = [...html.matchAll(/<\/?([a-z0-9]+)/gi)].map(([, tag]) => tag)
  for (const tag of tags) {
    expect(['p', 'a', 'span', 'pre', 'code', 'h2', 'table', 'thead', 'tbody', 'tr', 'th', 'td']).toContain(tag)
  }
  const live = html.replace(/>[^<]*/g, '>')
  expect(live).not.toMatch(/\son\w+=/i)
  expect(live).not.toMatch(/(?:href|src)="(?!https:\/\/example\.com\/)/)
})
