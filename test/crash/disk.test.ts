import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { fullDisks, namespace } from '../harness/sealed-file/full-disk.ts'
import { temporaryFolder } from '../harness/sealed-file/sealed-folder.ts'

const child = compiled(join(import.meta.dirname, 'disk-child.ts'))

async function folders(): Promise<readonly [disk: string, elsewhere: string]> {
  const parent = await temporaryFolder()
  const [disk, elsewhere] = [join(parent, 'disk'), join(parent, 'elsewhere')]
  await chmod(parent, 0o711)
  await mkdir(disk, { mode: 0o700 })
  await mkdir(elsewhere, { mode: 0o700 })
  return [disk, elsewhere]
}

function refusalsOf({ stdout, stderr, status }: SpawnSyncReturns<string>): unknown {
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return JSON.parse(stdout)
}

describe.each(fullDisks())('on a full disk ($name)', ({ run, errno }) => {
  test('saves and releases are refused, nothing acknowledged is lost, and revoking still works', async () => {
    const [disk, elsewhere] = await folders()
    const bytes = errno === 'ENOSPC' ? 262_144 : 8192
    const environment = { MCP_VAULT_KEY: generateKeyText() }
    const refusals = refusalsOf(run(disk, bytes, [child, 'full', disk, elsewhere], environment))
    const auditRefusal = `audit_unavailable ${errno === 'ENOSPC' ? 'disk_full' : 'write_failed'}`
    expect(refusals).toEqual({
      save: `unavailable ${errno === 'ENOSPC' ? 'disk_full' : 'io'}`,
      audit: auditRefusal,
      release: auditRefusal,
      saved: expect.any(Number),
    })
  })
})

describe.each(namespace ? ['read-only-mount', 'read-only-user'] : ['read-only-user'])('on a disk made %s', (mode) => {
  test('everything can still be read, changes are refused, and it goes on as before afterwards', async () => {
    const [disk, elsewhere] = await folders()
    const script = 'mount -t tmpfs -o mode=0700 tmpfs "$1"; shift; exec "$@"'
    const command = [process.execPath, child, mode, disk, elsewhere]
    const [program = '', ...parameters] =
      mode === 'read-only-mount'
        ? ['unshare', ...(namespace ?? []), 'sh', '-c', script, 'sh', disk, ...command]
        : command
    const refusals = refusalsOf(
      spawnSync(program, parameters, {
        encoding: 'utf8',
        env: { ...process.env, MCP_VAULT_KEY: generateKeyText() },
      }),
    )
    const refusal = mode === 'read-only-mount' ? 'unavailable read_only' : 'forbidden permission'
    expect(refusals).toEqual({
      save: 'audit_unavailable write_failed',
      saveAudited: refusal,
      release: 'audit_unavailable write_failed',
      revoke: refusal,
      warning: expect.stringMatching(
        mode === 'read-only-mount' ? /read-only.*MCP_VAULT_FOLDER/ : /this user has no permission/,
      ),
    })
  })
})
