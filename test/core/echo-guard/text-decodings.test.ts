import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodings } from '../../../src/core/echo-guard/text-decodings.ts'

const NAMES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** What the decoder has to come to, in the plainest words. */
function expected(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g,
    (whole, decimal: string | undefined, hex: string | undefined, name: string) => {
      if (decimal === undefined && hex === undefined) return NAMES[name] ?? whole
      const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number.parseInt(decimal, 10)
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole
    },
  )
}

/** Without a backslash or percent sign only HTML is left to decode. */
function html(text: string): string {
  return decodings(text)[0] ?? text
}

test.each([
  'a&amp;b&lt;&gt;&quot;&apos;',
  '&#65;&#x41;&#X41;&#0000065;&#x000041;',
  '&#128273;&#x1F511;&#x10ffff;&#1114111;',
  '&#1114112;&#x110000;&#99999999;&#x0000041;',
  '&&amp;&#;&#x;&#xg;&#6a;&amp&am;p;&ampamp;',
  '&#55357;&#56593;&#xd83d;',
  '&amp;#65;&amp;amp;',
  '&apo',
  '&#',
  '&',
  '&#x41',
])('row i: HTML in place comes to what a regular expression does: %s', (text) => {
  expect(html(text)).toBe(expected(text))
})

test('row i: HTML in place comes to what a regular expression does, whatever the text', () => {
  const piece = fc.constantFrom(
    '&',
    '#',
    'x',
    'X',
    ';',
    '0',
    '6',
    '5',
    'a',
    'F',
    '&amp;',
    '&lt;',
    '&#65;',
    '&#x41;',
    '&#128273;',
    '&quot',
    'é',
    '\u{1f511}',
    ' ',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = pieces.join('')
      expect(html(text)).toBe(expected(text))
    }),
    { numRuns: 5_000 },
  )
})
