import { spawnSync } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { compiled } from '../../harness/processes/compile-module.ts'
import { namespace } from '../../harness/sealed-file/full-disk.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

const child = compiled(join(import.meta.dirname, '../../harness/sealed-file/key-file-child.ts'))

/** The results of every reader of a key file with this mode, on a mount with these options. */
async function reads(mode: number, mount: string | undefined) {
  const folder = await temporaryFolder()
  const keyFile = join(folder, 'key')
  await writeFile(keyFile, generateKeyText())
  await chmod(keyFile, mode)
  const script = 'mount --bind "$1" "$1" && mount -o remount,"$2",bind "$1" && shift 2 && exec "$@"'
  const command = [process.execPath, child, keyFile, join(await temporaryFolder(), 'data')]
  const [program = '', ...parameters] =
    mount === undefined
      ? command
      : ['unshare', ...(namespace ?? []), 'sh', '-c', script, 'sh', folder, mount, ...command]
  const { stdout, stderr } = spawnSync(program, parameters, { encoding: 'utf8', env: { PATH: process.env['PATH'] } })
  expect(stderr).toBe('')
  const said: Record<string, { error?: { code: string; message: string }; warnings: string[] }> = JSON.parse(stdout)
  return { keyFile, said: Object.entries(said) }
}

/** In the namespace this process's user is root; outside of it, where it is not, its files are not root's. */
const mounts = namespace ? ['ro'] : []

test.each(mounts)(
  'F8: a key file that only root can change, on a mount that is %s, is used, with a warning',
  async (mount) => {
    for (const mode of [0o444, 0o440, 0o644]) {
      const { keyFile, said } = await reads(mode, mount)
      expect(said.map(([part]) => part)).toEqual(['store', 'audit log', 'web key'])
      for (const [part, { error, warnings }] of said) {
        expect(error, part).toBeUndefined()
        expect(warnings.join(), part).toContain(keyFile)
        expect(warnings.join(), part).toContain('defaultMode: 0400')
      }
    }
  },
)

test.each(mounts)(
  'F8: one that others could change is refused on a mount that is %s, and the message names its option',
  async (mount) => {
    for (const mode of [0o464, 0o446, 0o666]) {
      const { keyFile, said } = await reads(mode, mount)
      for (const [part, { error }] of said) {
        expect(error?.code, part).toBe('key_exposed')
        expect(error?.message, part).toContain(keyFile)
        expect(error?.message, part).toContain('defaultMode: 0400')
        expect(error?.message, part).not.toContain('chmod')
      }
    }
  },
)

test.each([...(namespace ? ['rw'] : []), undefined])(
  'F8: the same file on a writable mount (%s) is refused, with chmod',
  async (mount) => {
    const { keyFile, said } = await reads(0o444, mount)
    for (const [part, { error }] of said) {
      expect(error?.code, part).toBe('key_exposed')
      expect(error?.message, part).toContain(`chmod 600 ${keyFile}`)
    }
  },
)

test.each([...mounts, undefined])('F8: one with mode 0400 is used without a warning (mount: %s)', async (mount) => {
  for (const [part, { error, warnings }] of (await reads(0o400, mount)).said) {
    expect(error, part).toBeUndefined()
    expect(warnings, part).toEqual([])
  }
})
