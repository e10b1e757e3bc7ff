import type { access, FileHandle, mkdir, open, stat as realStat } from 'node:fs/promises'
import { chmod, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type FolderUse, openPrivateFolder } from '../../../src/core/host/private-folder.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

/** What the system says where it allows no change, as it was seen on real mounts. */
const system = vi.hoisted(() => ({ refuses: undefined as 'EROFS' | 'EACCES' | undefined, chmod: 'works' }))

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<{
    access: typeof access
    mkdir: typeof mkdir
    open: typeof open
    stat: typeof realStat
  }>()
  const refusal = (code: string) => Object.assign(new Error('the system’s own text'), { code })
  return {
    ...real,
    async access(...parameters: Parameters<typeof access>) {
      if (system.refuses) throw refusal(system.refuses)
      return real.access(...parameters)
    },
    async mkdir(...parameters: Parameters<typeof mkdir>) {
      const missing = await real.stat(parameters[0]).then(
        () => false,
        () => true,
      )
      // Node's recursive mkdir on a read-only file system.
      if (system.refuses && missing) throw refusal(system.refuses === 'EROFS' ? 'ENOENT' : 'EACCES')
      return real.mkdir(...parameters)
    },
    async open(...parameters: Parameters<typeof open>) {
      const file = await real.open(...parameters)
      return Object.assign(file, {
        async chmod() {
          if (system.chmod !== 'is ignored') throw refusal(system.chmod)
        },
      } satisfies Partial<FileHandle>)
    },
  }
})

const warnings: string[] = []
beforeEach(() => {
  Object.assign(system, { refuses: undefined, chmod: 'is ignored' })
  warnings.length = 0
})

describe.each(['MCP_VAULT_FOLDER', 'MCP_AUDIT_FOLDER'] as const)('%s', (setting) => {
  const use: FolderUse = { holds: 'store', setting, warn: (message) => warnings.push(message) }

  test.each([
    ['EROFS', 'unavailable', 'read_only', 'read-only'],
    ['EACCES', 'forbidden', 'permission', 'this user has no permission'],
  ] as const)(
    'F9: a folder that cannot be made (%s) is named with its variable and the reason',
    async (errno, code, reason, text) => {
      const folder = join(await temporaryFolder(), 'deep', 'er')
      system.refuses = errno
      const error = await openPrivateFolder(folder, use).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code, reason, message: expect.stringContaining(text) })
      expect(String(error)).toContain(folder)
      expect(String(error)).toContain(setting)
    },
  )

  test.each([
    ['EROFS', 'read-only'],
    ['EACCES', 'this user has no permission'],
  ] as const)(
    'F9: one that is there and cannot be written (%s) can be read, with the same words',
    async (errno, text) => {
      const folder = await temporaryFolder()
      system.refuses = errno
      await expect(openPrivateFolder(folder, use)).resolves.toMatchObject({ topmost: undefined })
      expect(warnings).toEqual([expect.stringContaining(text)])
      expect(warnings[0]).toContain(folder)
      expect(warnings[0]).toContain(setting)
    },
  )

  test.each([
    ['EROFS', { code: 'unavailable', reason: 'read_only' }],
    ['EPERM', { reason: 'folder_writable', message: expect.stringContaining('dir_mode=0700') }],
    ['is ignored', { reason: 'folder_writable', message: expect.stringContaining('dir_mode=0700') }],
  ])('F4: where the group keeps its rights (%s), the folder is refused', async (answer, error) => {
    const folder = await temporaryFolder()
    await chmod(folder, 0o770)
    system.chmod = answer
    await expect(openPrivateFolder(folder, use)).rejects.toMatchObject(error)
    expect((await stat(folder)).mode & 0o777).toBe(0o770)
  })

  test('a file, a link to nothing, and what is below them is no folder', async () => {
    const parent = await temporaryFolder()
    await writeFile(join(parent, 'file'), '')
    await symlink('/nonexistent/place', join(parent, 'dangling'))
    for (const name of ['file', 'file/below', 'dangling', 'dangling/below']) {
      const opening = openPrivateFolder(join(parent, name), use)
      await expect(opening, name).rejects.toMatchObject({ reason: 'folder_not_a_directory' })
      await expect(opening, name).rejects.toThrow(setting)
    }
  })
})
