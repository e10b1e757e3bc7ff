import { spawnSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { freePort } from '../harness/free-port.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { namespace } from '../harness/sealed-file/full-disk.ts'
import { temporaryFolder } from '../harness/sealed-file/sealed-folder.ts'

const main = compiled(join(import.meta.dirname, '../../src/cli/main.ts'))

/** Starts the server in a working folder that is on a read-only file system, and expects that it ends. */
async function startReadOnly(environment: NodeJS.ProcessEnv, prepare?: (folder: string) => Promise<unknown>) {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'tools.mjs'), 'export default () => {}\n')
  await prepare?.(folder)
  const script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && cd "$1" && shift && exec "$@"'
  const command = [process.execPath, main, 'start', 'tools.mjs', '--port', String(await freePort())]
  const answer = spawnSync('unshare', [...(namespace ?? []), 'sh', '-c', script, 'sh', folder, ...command], {
    encoding: 'utf8',
    timeout: 100_000,
    env: { PATH: process.env['PATH'], MCP_SERVER_BASE_URL: 'http://localhost:8005', ...environment },
  })
  expect(answer.stdout).toBe('')
  expect(answer.status, answer.stderr).toBe(1)
  expect(answer.stderr).toContain('read-only')
  expect(answer.stderr).not.toContain('unmounted')
  return { folder, stderr: answer.stderr }
}

// Where nothing may be mounted, test/core/host/private-folder.test.ts has the same answers of the system.
const where = namespace ? ['a read-only mount'] : []

test.each(where)('F9: the default store below %s is named with its variable', async () => {
  const { folder, stderr } = await startReadOnly({ MCP_VAULT_KEY: generateKeyText() })
  expect(stderr).toContain(`${folder}/data`)
  expect(stderr).toContain('MCP_VAULT_FOLDER')
})

test.each(where)('F9: the same where the empty folder is on %s already', async () => {
  const made = (folder: string) => mkdir(join(folder, 'data'), { mode: 0o700 })
  const { folder, stderr } = await startReadOnly({ MCP_VAULT_KEY: generateKeyText() }, made)
  expect(stderr).toContain(`${folder}/data`)
  expect(stderr).toContain('MCP_VAULT_FOLDER')
  expect(await readdir(join(folder, 'data'))).toEqual([])
})

test.each(where)('F9: the default audit folder below %s is named with its variable', async () => {
  const { folder, stderr } = await startReadOnly({ MCP_VAULT_BACKEND: 'memory' })
  expect(stderr).toContain(`${folder}/data/audit`)
  expect(stderr).toContain('MCP_AUDIT_FOLDER')
})

test.each(where)('F9: a store on a writable volume does not hide that the audit log is on %s', async () => {
  const store = join(await temporaryFolder(), 'store')
  const environment = { MCP_VAULT_KEY: generateKeyText(), MCP_VAULT_FOLDER: store, MCP_AUDIT_FOLDER: 'log' }
  const { folder, stderr } = await startReadOnly(environment)
  expect(stderr).toContain(`${folder}/log`)
  expect(stderr).toContain('MCP_AUDIT_FOLDER')
})
