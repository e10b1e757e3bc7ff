import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { mainCommand } from '../../harness/processes/cli-process.ts'
import { endedProcess } from '../../harness/processes/ended-process.ts'
import { namespace } from '../../harness/sealed-file/full-disk.ts'

// Where nothing may be mounted, there is no folder that root cannot write to.
test.each(namespace ? ['read-only'] : [])('doctor says which folder of the log is on a %s file system', async () => {
  const main = await mainCommand()
  onTestFinished(() => main.remove())
  await main.store('alice', { pat: 'one' })
  expect(await main.run(['doctor'])).toMatchObject({ code: 0 })
  const audit = join(main.environment.MCP_VAULT_FOLDER, 'audit')
  const script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
  const words = [...(namespace ?? []), 'sh', '-c', script, 'sh', audit, process.execPath, main.script, 'doctor']
  const env = { PATH: process.env['PATH'], HOME: main.root, ...main.environment }
  const { code, out } = await endedProcess('unshare', words, { env, cwd: main.root }, '')
  expect(code, out).toBe(1)
  expect(out).toMatch(
    /^WRONG +the audit log can be written +The folder of the audit log, \S+\/audit, is on a read-only/m,
  )
})
