import { expect, test } from 'vitest'
import { probedTool, SECRET, said } from '../calls/probed-tool.ts'

// Each form is searched for alone; here it stands beside, or in, something else that is decoded too.

const { run } = probedTool()
const bytes = Uint8Array.from(Buffer.from(SECRET))
const pretty = JSON.stringify(bytes, undefined, 2)
const entities = [...bytes].map((byte) => `&#${byte};`).join('')
const wrapped = Buffer.from(SECRET).toString('base64').replace(/.{8}/g, '$&\n')

test.each([
  ['pretty JSON of a Uint8Array', pretty],
  ['pretty JSON of a Uint8Array beside a backslash', `C:\\temp ${pretty}`],
  ['pretty JSON of a Uint8Array in a string of JSON', JSON.stringify(pretty)],
  ['JSON of a Uint8Array in a string of JSON in another', JSON.stringify(JSON.stringify(JSON.stringify(bytes)))],
  ['wrapped base64 in a string of JSON in another', JSON.stringify(JSON.stringify(wrapped))],
  ['wrapped base64 with percent-encoded line ends', encodeURIComponent(wrapped)],
  ['HTML entities in percent-encoding', encodeURIComponent(entities)],
  ['octal escapes', [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')],
  ['\\u{…} escapes', [...bytes].map((byte) => `\\u{${byte.toString(16)}}`).join('')],
])('%s is withheld', async (_, text) => {
  expect(await run(({ handle }) => handle.use(() => said(text)))).toContain('was withheld')
})

test('a blob with the secret in UTF-16 is withheld', async () => {
  const resource = { uri: 'file:///a', blob: Buffer.from(`\uFEFF${SECRET}`, 'utf16le').toString('base64') }
  const seen = await run(({ handle }) => handle.use(() => ({ content: [{ type: 'resource' as const, resource }] })))
  expect(seen).toContain('was withheld')
})
