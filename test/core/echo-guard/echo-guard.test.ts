import { inspect } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEchoGuard, type EchoGuard } from '../../../src/core/echo-guard/echo-guard.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'

const variables = defineVariables({
  pat: { label: 'Token', type: 'password' },
  key: { label: 'Key', type: 'textarea', required: false },
  user: { label: 'User', required: false },
})

const PAT = 'glpat-x+Y/z_0"1<2>&3\'4~é5'

function guardOf(pat: string, options = {}): EchoGuard {
  const guard = createEchoGuard()
  guard.add(variables, { pat }, options)
  return guard
}

const bytes = (text: string) => Buffer.from(text)
const base64 = (content: Iterable<number>) => Buffer.from([...content]).toString('base64')
const blob = (content: Iterable<number>) => ({ uri: 'a:b', blob: base64(content) })
const utf16 = Buffer.from(PAT, 'utf16le')
const reverse = (text: string) => [...text].reverse().join('')
const html = (text: string, quote: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", quote)
const everyByte = (text: string, upper: boolean) =>
  bytes(text)
    .toString('hex')
    .replace(/../g, (byte) => `%${upper ? byte.toUpperCase() : byte}`)

const hexWith = (separator: string, text: string) =>
  bytes(text)
    .toString('hex')
    .replace(/..(?!$)/g, `$&${separator}`)
const hexOf = (c: string) => c.charCodeAt(0).toString(16).padStart(2, '0')

/** What a service, a library or a careless tool does to text before it comes out. */
const ENCODINGS: Readonly<Record<string, (secret: string) => string>> = {
  raw: (secret) => secret,
  'JSON-escaped': (secret) => JSON.stringify(secret),
  'JSON-escaped in ASCII': (secret) =>
    JSON.stringify(secret).replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
  'JSON-escaped by PHP': (secret) => JSON.stringify(secret).replaceAll('/', '\\/'),
  'HTML-escaped': (secret) => html(secret, '&#39;'),
  'HTML-escaped with hex': (secret) => html(secret, '&#x27;'),
  'HTML-escaped with names': (secret) => html(secret, '&apos;'),
  base64: (secret) => bytes(secret).toString('base64'),
  'base64 after one byte': (secret) => bytes(`x${secret}y`).toString('base64'),
  'base64 after two bytes': (secret) => bytes(`xy${secret}`).toString('base64'),
  base64url: (secret) => bytes(secret).toString('base64url'),
  'base64url after one byte': (secret) => bytes(`:${secret}`).toString('base64url'),
  'base64url after two bytes': (secret) => bytes(`::${secret}::`).toString('base64url'),
  hex: (secret) => bytes(secret).toString('hex'),
  'hex in upper case': (secret) => bytes(secret).toString('hex').toUpperCase(),
  'percent-encoded': (secret) => encodeURIComponent(secret),
  'percent-encoded in lower case': (secret) =>
    encodeURIComponent(secret).replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase()),
  'percent-encoded, every byte': (secret) => everyByte(secret, true),
  'percent-encoded, every byte, in lower case': (secret) => everyByte(secret, false),
  'percent-encoded twice': (secret) => encodeURIComponent(encodeURIComponent(secret)),
  'percent-encoded twice, every byte': (secret) => everyByte(secret, false).replaceAll('%', '%25'),
  'hex with colons': (secret) => hexWith(':', secret),
  'hex with colons, in upper case': (secret) => hexWith(':', secret).toUpperCase(),
  'hex with dashes': (secret) => hexWith('-', secret),
  'hex dump': (secret) => hexWith(' ', secret),
  'hex literals': (secret) => `0x${hexWith(', 0x', secret)}`,
  'escaped as \\x41': (secret) =>
    bytes(secret)
      .toString('latin1')
      .replace(/[\s\S]/g, (c) => `\\x${hexOf(c)}`),
  'JSON of a Buffer': (secret) => JSON.stringify(bytes(secret)),
  'indented JSON of a Buffer': (secret) => JSON.stringify(bytes(secret), null, 2),
  'JSON of a Uint8Array': (secret) => JSON.stringify(new Uint8Array(bytes(secret))),
  'form-encoded': (secret) => new URLSearchParams({ a: secret }).toString().slice(2),
  reversed: reverse,
}

/** Anything that a form accepts, of at least 8 bytes. */
const secrets = fc
  .oneof(
    fc.string({ unit: 'grapheme-ascii', minLength: 8, maxLength: 60 }),
    fc.stringMatching(/^[A-Za-z0-9_-]{20,60}$/),
    fc.string({ unit: 'grapheme', minLength: 8, maxLength: 30 }),
    fc.string({ unit: fc.constantFrom('a', 'B', '7', ' ', '\n', '"', '\\', '%', '+', '&', ';'), minLength: 12 }),
  )
  .filter((secret) => secret.trim() === secret && Buffer.byteLength(secret) >= 8)

const surroundings = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\\', '%', '%2', '&', '&amp', '"', 'Zm9v', 'deadbeef', '\n'),
)

for (const [name, encode] of Object.entries(ENCODINGS)) {
  test(`any secret is found ${name} in any text`, () => {
    expect(guardOf(PAT).finds({ content: [{ type: 'text', text: `token: ${encode(PAT)}.` }] })).toBe(true)
    fc.assert(
      fc.property(secrets, surroundings, surroundings, (secret, before, after) => {
        expect(guardOf(secret).finds({ content: [{ type: 'text', text: before + encode(secret) + after }] })).toBe(true)
      }),
    )
  })
}

test('any secret is found split over consecutive texts, plain or encoded', () => {
  const encodings = fc.constantFrom(...Object.values(ENCODINGS))
  fc.assert(
    fc.property(secrets, encodings, fc.array(fc.nat(60), { maxLength: 5 }), (secret, encode, cuts) => {
      const text = encode(secret)
      const at = [0, ...cuts.map((cut) => cut % text.length).sort((a, b) => a - b), text.length]
      const parts = at.slice(1).map((end, i) => text.slice(at[i], end))
      const guard = guardOf(secret)
      expect(guard.finds({ content: parts.map((part) => ({ type: 'text', text: part, annotations: {} })) })).toBe(true)
      expect(guard.finds(['x', ...parts])).toBe(true)
      expect(guard.finds(Object.fromEntries(parts.map((part, i) => [`field${i}`, part])))).toBe(true)
    }),
  )
})

const error = new Error('failed', { cause: new TypeError(`no access with ${PAT}`) })
const cyclic: { self?: unknown; pat: string } = { pat: PAT }
cyclic.self = cyclic
const deep = Array.from({ length: 100_000 }).reduce<unknown>((inner) => [inner], PAT)

test.each<[string, unknown]>([
  ['a string', PAT],
  ['a key', { headers: { [PAT]: 1 } }],
  ['structured content', { structuredContent: { rows: [[{ a: { b: [PAT] } }]] } }],
  ["an error's message", new Error(`bad ${PAT}`)],
  ["an error's cause", error],
  ["an error's own fields", Object.assign(new Error('failed'), { config: { headers: { authorization: PAT } } })],
  ['an aggregate error', new AggregateError([error], 'all failed')],
  ['a cycle', cyclic],
  ['a value nested very deep', deep],
  ['a Map', new Map([['a', new Set([PAT])]])],
  ['bytes', new Uint8Array(bytes(`x${PAT}`))],
  [
    'an embedded resource',
    { content: [{ type: 'resource', resource: { blob: bytes(`ab${PAT}`).toString('base64') } }] },
  ],
  ['an image', { content: [{ type: 'image', data: bytes(`a${PAT}`).toString('base64') }] }],
  ['an image of escaped text', { data: bytes(`{"a":"${everyByte(PAT, false)}"}`).toString('base64') }],
  ['a resource of escaped text', { blob: bytes(JSON.stringify(JSON.stringify(PAT))).toString('base64url') }],
  ['two blobs', [blob(bytes(PAT).subarray(0, 10)), blob(bytes(PAT).subarray(10))]],
  [
    'three blobs and images',
    [...bytes(PAT)].map((byte, at) => (at % 3 ? blob([byte]) : { uri: 'a:b', data: base64([byte]) })),
  ],
  ['a text and a blob', [{ uri: 'a:b', text: `x${PAT.slice(0, 10)}` }, blob(bytes(PAT.slice(10)))]],
  ['two blobs of UTF-16 after an odd byte', [blob([0x41, ...utf16.subarray(0, 11)]), blob(utf16.subarray(11))]],
  [
    'two large blobs',
    [
      blob([...Buffer.alloc(100_000, 'a'), ...bytes(PAT).subarray(0, 9)]),
      blob([...bytes(PAT).subarray(9), ...Buffer.alloc(100_000, 'b')]),
    ],
  ],
  ['an array of bytes', { bytes: [...bytes(PAT)] }],
  ['what toJSON shows', { toJSON: () => ({ a: PAT }) }],
  ['JSON in JSON', JSON.stringify({ a: JSON.stringify({ pat: PAT }) })],
  ['a URL in HTML in JSON', JSON.stringify(`<a href="?t=${html(encodeURIComponent(PAT), '&#39;')}">`)],
  [
    'base64 wrapped over lines',
    bytes(`${'x'.repeat(40)}${PAT}`)
      .toString('base64')
      .replace(/.{20}/g, '$&\r\n'),
  ],
  ['base64 with escaped slashes', bytes(`${PAT}???`).toString('base64').replaceAll('/', '\\/')],
  [
    'letters written as JSON escapes',
    [...PAT].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  ],
  ['letters written as HTML entities', [...PAT].map((c) => `&#${c.charCodeAt(0)};`).join('')],
])('a secret is found in %s', (_, value) => {
  expect(guardOf(PAT).finds(value)).toBe(true)
})

test('a secret that is a number is found as a number, yet not across numbers', () => {
  expect(guardOf('1234567890').finds({ id: 1234567890 })).toBe(true)
  expect(guardOf('1234567890').finds({ ids: [12345, 67890] })).toBe(false)
})

const PEM = `-----BEGIN KEY-----\nAAAAB3NzaC1yc2EAAAADAQABAAABgQ\nDf1eZ8/xQ+9Ty\tx\n-----END KEY-----\n`

test.each([
  ['CRLF', PEM.replaceAll('\n', '\r\n')],
  ['no last line end', PEM.trim()],
  ['one line', PEM.replaceAll('\n', ' ')],
  ['collapsed', PEM.replace(/\s+/g, ' ').trim()],
  ['indented', PEM.replaceAll('\n', '\n    ')],
  ['no whitespace', PEM.replace(/\s+/g, '')],
  ['JSON with CRLF', JSON.stringify(PEM.replaceAll('\n', '\r\n'))],
  ['base64 of CRLF', bytes(`x${PEM.replaceAll('\n', '\r\n')}`).toString('base64')],
  ['wrapped elsewhere', PEM.replaceAll('\n', ' ').replace(/.{16}/g, '$&\n')],
])('a secret of several lines is found with %s', (_, text) => {
  const guard = createEchoGuard()
  guard.add(variables, { pat: 'unrelated value', key: PEM })
  expect(guard.finds({ text: `the key is:\n${text}.` })).toBe(true)
})

test('short secrets, absent ones and values that are no secrets are not looked for', () => {
  const guard = createEchoGuard()
  guard.add(variables, { pat: '1234567', user: 'ann.example' })
  expect(guard.finds({ text: '1234567 of ann.example', key: '' })).toBe(false)
})

test('short secrets are looked for when asked', () => {
  const guard = guardOf('1234', { includeShort: true })
  expect(guard.finds('PIN 1234')).toBe(true)
  expect(guard.finds(`x${bytes('1234').toString('base64')}`)).toBe(true)
  expect(guardOf('a', { includeShort: true }).finds('xyz YQ Zm 61')).toBe(false)
})

test('every secret of the call is looked for', () => {
  const guard = createEchoGuard()
  guard.add(variables, { pat: 'first-secret', key: 'second-secret' })
  guard.add(variables, { pat: 'third-secret' })
  for (const secret of ['first', 'second', 'third']) expect(guard.finds(`${secret}-secret`)).toBe(true)
  expect(guard.finds('fourth-secret')).toBe(false)
})

test('text that does not contain the secret is let through', () => {
  const words = fc.array(fc.constantFrom('issue', 'PROJ-17', '%20', '\\n', '&amp;', 'QUJD', '{"a":1}', '3.14', 'Ω'))
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9]{20}$/), words, (secret, text) => {
      expect(guardOf(secret).finds({ content: [{ type: 'text', text: text.join(' ') }] })).toBe(false)
    }),
  )
})

test('the guard shows no secret, however it is printed', () => {
  const guard = guardOf(PAT)
  const shown = [inspect(guard, { depth: 9, showHidden: true }), JSON.stringify(guard), String(guard)]
  for (const text of shown) expect(text).not.toContain('glpat')
})

test.each<[string, readonly object[]]>([
  ['blobs', [blob(bytes(PAT).subarray(0, 10)), blob(bytes(PAT).subarray(10))]],
  ['a text and a blob', [{ text: PAT.slice(0, 10) }, blob(bytes(PAT.slice(10)))]],
  ['a blob and a text', [blob(bytes(PAT.slice(0, 10))), { text: PAT.slice(10) }]],
  ['three blobs', [blob(bytes(PAT).subarray(0, 5)), blob(bytes(PAT).subarray(5, 10)), blob(bytes(PAT).subarray(10))]],
])('a secret split over messages of %s is found in the last', (_, messages) => {
  const guard = guardOf(PAT)
  for (const message of messages.slice(0, -1)) {
    expect(guard.finds(message)).toBe(false)
    guard.sent(message)
  }
  expect(guard.finds(messages.at(-1))).toBe(true)
})

const MEGABYTE = 1_000_000
const record = { id: 17, title: 'Größe "x" & <y>', path: 'C:\\temp', url: 'https://example.com/?q=%C3%A9%20', ok: true }
const records = Array.from({ length: 7000 }, (_, i) => ({ ...record, id: i }))

test.each<[string, unknown]>([
  ['one text', { content: [{ type: 'text', text: 'lorem ipsum dolor '.repeat(MEGABYTE / 18) }] }],
  ['JSON in a text', { content: [{ type: 'text', text: JSON.stringify(records) }] }],
  ['structured content', { structuredContent: records }],
  ['base64', { content: [{ type: 'image', data: Buffer.alloc(MEGABYTE * 0.75, 'ab7').toString('base64') }] }],
  ['many keys', Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`key${i}`, `some value ${i}`]))],
  ['numbers', { structuredContent: { rows: Array.from({ length: 200_000 }, (_, i) => i) } }],
])('a megabyte of %s is searched without anybody noticing', (_, value) => {
  const guard = createEchoGuard()
  guard.add(variables, { pat: 'ghp_0123456789abcdefghijklmnopqrstuvwxyz', key: PEM })
  const times = Array.from({ length: 7 }, () => {
    const start = process.cpuUsage()
    expect(guard.finds(value)).toBe(false)
    return process.cpuUsage(start).user / 1000
  })
  // Milliseconds of this process's own processor time, the least of seven, so that what else runs has no part in it. Seen: 5 to 50.
  expect(Math.min(...times)).toBeLessThan(250)
})
