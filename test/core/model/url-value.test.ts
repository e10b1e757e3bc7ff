import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isUrl, parsedUrl } from '../../../src/core/model/url-value.ts'

test('a URL with a letter beyond ASCII stays one, however often it is asked', () => {
  // Node.js optimises after some thousand calls, and then has a faster URL.canParse, which is wrong.
  const answers = new Set(Array.from({ length: 50_000 }, () => isUrl('https://bücher.example')))
  expect([...answers]).toEqual([true])
})

test('what is parsed, and relative to what', () => {
  expect(parsedUrl('https://acme.example/a')?.href).toBe('https://acme.example/a')
  expect(parsedUrl('/b', 'https://acme.example/a')?.href).toBe('https://acme.example/b')
  for (const text of [undefined, '', 'acme', '/b', 'https://', 'https://a b']) expect(parsedUrl(text)).toBeUndefined()
})

test('no code asks URL.canParse', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  expect(files.filter((file) => readFileSync(`src/${file}`, 'utf8').includes('URL.canParse('))).toEqual([])
})
