import type { fstatSync, readFileSync } from 'node:fs'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findKey } from '../../../src/core/crypto/key-source.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

/** The system's answers, as they were seen in containers; test/backends/sealed-file/key-file-mounted.test.ts has real mounts. */
const system = vi.hoisted(() => ({ owner: 0, mount: '' }))

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<{ fstatSync: typeof fstatSync; readFileSync: typeof readFileSync }>()
  return {
    ...real,
    fstatSync: (descriptor: number) => Object.assign(real.fstatSync(descriptor), { uid: system.owner }),
    readFileSync(path: Parameters<typeof readFileSync>[0], encoding: 'utf8') {
      if (String(path).startsWith('/proc/self/fdinfo/'))
        return 'pos:\t0\nflags:\t02100000\nmnt_id:\t63\nino:\t9978006\n'
      if (path === '/proc/self/mountinfo')
        return `1 0 254:0 / / rw - ext4 /dev/vda rw\n${system.mount}\n631 1 0:9 / /a ro - x y ro\n`
      return real.readFileSync(path, encoding)
    },
  }
})

const READ_ONLY_BIND = '63 43 254:0 /srv/key /run/secrets/key ro,relatime - ext4 /dev/vda rw,discard'
const READ_ONLY_FILE_SYSTEM = '63 43 0:55 / /etc/keys rw,relatime shared:7 master:1 - tmpfs tmpfs ro,size=4k'
const WRITABLE = '63 43 0:55 / /etc/keys rw,relatime - tmpfs tmpfs rw,size=4k'

let keyFile: string
const warnings: string[] = []
const read = () => findKey({ name: 'MCP_WEB_KEY', file: keyFile, warn: (message) => warnings.push(message) }, {})

beforeEach(async () => {
  vi.spyOn(process, 'getuid').mockReturnValue(0)
  Object.assign(system, { owner: 0, mount: WRITABLE })
  warnings.length = 0
  keyFile = join(await temporaryFolder(), 'key')
  writeFileSync(keyFile, generateKeyText())
  chmodSync(keyFile, 0o444)
})
afterEach(() => vi.restoreAllMocks())

test.each([READ_ONLY_BIND, READ_ONLY_FILE_SYSTEM])(
  'F8: 0444 of root on a read-only mount is used, with a warning: %s',
  (mount) => {
    system.mount = mount
    expect(read()?.key).toHaveLength(32)
    expect(warnings).toEqual([expect.stringMatching(/may be read by other users .* defaultMode: 0400/)])
  },
)

test.each([
  ['a writable mount', WRITABLE, 0o444, 0, 'chmod 600'],
  ['a mount that the system does not know', '', 0o444, 0, 'chmod 600'],
  ['a file that its group may change', READ_ONLY_BIND, 0o464, 0, 'defaultMode: 0400'],
  ['a file that everyone may change', READ_ONLY_BIND, 0o446, 0, 'defaultMode: 0400'],
  ['a file of a user who is not root', READ_ONLY_BIND, 0o444, 1000, 'defaultMode: 0400'],
] as const)('F8: %s is refused, and the message says what helps', (_, mount, mode, user, remedy) => {
  Object.assign(system, { mount, owner: user })
  vi.spyOn(process, 'getuid').mockReturnValue(user)
  chmodSync(keyFile, mode)
  expect(read).toThrow(expect.objectContaining({ code: 'key_exposed', message: expect.stringContaining(remedy) }))
  expect(warnings).toEqual([])
})
