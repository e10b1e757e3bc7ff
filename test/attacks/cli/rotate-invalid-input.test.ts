import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ISSUER, type MainCommand, mainCommand } from '../../harness/processes/cli-process.ts'

// What an operator's pipe may bring: a file of another encoding, an editor's mark, nothing but blanks. Stored as it is, it spoils the
// credential, and the user is told that their token is wrong.

const OLD = 'tok-before-the-rotation'
const NEW = 'tok-canary-c01d5f7a'
const ALICE = ['jira', '--issuer', ISSUER, '--subject', 'alice']
const BOM = [0xef, 0xbb, 0xbf]

let command: MainCommand

beforeAll(async () => {
  command = await mainCommand()
}, 60_000)
afterAll(() => command.remove())

const bytes = (...parts: readonly (string | number)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))))

describe('k: rotate refuses what the form would refuse, and the value stays', () => {
  test.each([
    ['invalid UTF-8', bytes(NEW, 0xff, 0xfe), [], 'not UTF-8'],
    ['Latin-1', bytes(NEW, 0xe9), [], 'not UTF-8'],
    ['a surrogate in UTF-8', bytes(NEW, 0xed, 0xa0, 0x80), [], 'not UTF-8'],
    ['UTF-16', Buffer.from(`\uFEFF${NEW}`, 'utf16le'), [], 'not UTF-8'],
    ['a byte order mark', bytes(...BOM, NEW), [], 'byte order mark'],
    ['a byte order mark in a textarea', bytes(...BOM, NEW), ['--type', 'textarea'], 'byte order mark'],
    ['nothing', bytes(), [], 'empty or blank'],
    ['blanks', bytes(' \t \r\n'), [], 'empty or blank'],
    ['blank lines in a textarea', bytes('\n \n'), ['--type', 'textarea'], 'empty or blank'],
    ['a NUL', bytes(NEW, 0, NEW), [], 'control characters'],
    ['a NUL in a textarea', bytes(NEW, 0, NEW), ['--type', 'textarea'], 'control characters'],
    ['two lines', bytes(NEW, '\n', NEW, '\n'), [], '--type textarea'],
    ['CR line ends in a textarea', bytes(NEW, '\r\n', NEW), ['--type', 'textarea'], 'CR line ends'],
    ['too much', bytes('x'.repeat(16_385)), [], 'longer than 16384'],
    ['far too much', bytes('x'.repeat(4_000_000)), [], 'longer than 16384'],
    ['a URL of another scheme', bytes(`http://${NEW}.example.com`), ['--type', 'url'], 'https URL'],
    ['a URL with a password', bytes(`https://me:${NEW}@jira.example.com`), ['--type', 'url'], 'https URL'],
    ['a type that is none', bytes(NEW), ['--type', 'text'], '--type takes one of'],
  ])('%s', async (_, input, words, problem) => {
    await command.store('alice', { pat: OLD })
    const { code, out, error } = await command.run(['rotate', ...ALICE, ...words], input)
    expect([code, out, await command.stored('alice')]).toEqual([2, '', { pat: OLD }])
    expect(error).toContain(problem)
    expect(error).not.toContain(NEW)
  })
})

describe('k: what rotate stores is what the form would store', () => {
  test.each([
    ['a line as it is', bytes(NEW), [], NEW],
    ['a line without its end', bytes(NEW, '\n'), [], NEW],
    ['a line without outer blanks', bytes(' \t', NEW, ' \r\n\r\n'), [], NEW],
    ['a URL', bytes('https://jira.example.com\n'), ['--type', 'url'], 'https://jira.example.com'],
    ['a textarea byte for byte', bytes(' -----BEGIN KEY-----\n\t', NEW, '\n\n'), ['--type', 'textarea'], undefined],
    ['a textarea of other letters', bytes('ключ\n🔑\n'), ['--type', 'textarea'], undefined],
  ])('%s', async (_, input, words, expected) => {
    await command.store('alice', { pat: OLD })
    expect(await command.run(['rotate', ...ALICE, ...words], input)).toMatchObject({ code: 0, error: '' })
    expect(await command.stored('alice')).toEqual({ pat: expected ?? input.toString('utf8') })
  })

  test('fields that together are larger than a credential may be are refused', async () => {
    await command.store('alice', { pat: OLD, key: 'x'.repeat(10_000) })
    const { code, error } = await command.run(['rotate', ...ALICE, '--field', 'pat'], 'y'.repeat(10_000))
    expect([code, error]).toEqual([1, expect.stringContaining('larger than 16384 bytes')])
    expect(await command.stored('alice')).toMatchObject({ pat: OLD })
  })
})
