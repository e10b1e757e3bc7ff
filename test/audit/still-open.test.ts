import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { auditKeys } from '../../src/audit/line/audit-keys.ts'
import { parseKey } from '../../src/core/crypto/key-text.ts'
import { auditLogUnderTest } from '../harness/audit-log.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { namespace } from '../harness/sealed-file/full-disk.ts'

// procfs dates a process's folder when somebody first looks at it there, and anew for each mount of it; where this user may mount it, the
// look is one of a new mount.
const freshProc =
  namespace && spawnSync('unshare', [...namespace, 'mount', '-t', 'proc', 'proc', '/proc']).status === 0
    ? ['unshare', ...namespace, 'sh', '-c', 'mount -t proc proc /proc && exec "$@"', 'sh']
    : []

test('a process that runs is seen to, however late somebody first looks at it', async () => {
  const log = await auditLogUnderTest()
  const writer = spawn(process.execPath, [compiled(join(import.meta.dirname, 'still-open-child.ts')), log.folder], {
    env: { ...process.env, MCP_AUDIT_KEY: log.key },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void writer.kill('SIGKILL'))
  await once(writer.stdout, 'data')
  await delay(2500)
  const key = auditKeys(parseKey(log.key, 'the test')).publicKey
  const main = compiled(join(import.meta.dirname, '../../src/cli/main.ts'))
  const verify = [process.execPath, main, 'audit', 'verify', '--folder', log.folder, `--key=${key}`]
  const [program = '', ...parameters] = [...freshProc, ...verify]
  const seen = spawnSync(program, parameters, { encoding: 'utf8' })
  expect(`${seen.stdout}${seen.stderr}`).toContain('still_open')
  expect(seen.status).toBe(0)
})
