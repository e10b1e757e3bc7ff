import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createJsonLines } from '../../src/audit/json-lines.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { isCredentialVaultError } from '../../src/core/model/errors.ts'

/**
 * Prints what the log's check says on a disk of its own: with space, nearly full, with space again, and mounted read-only. Argument: the
 * folder that the disk is mounted on.
 */
const [disk = ''] = process.argv.slice(2)
const folder = join(disk, 'audit')
const log = createJsonLines({ folder, key: generateKeyText(), warn: () => {} })
await log.open?.(undefined)

async function say(): Promise<void> {
  const said = await log.check?.().catch((error: unknown) => (isCredentialVaultError(error) ? error.reason : 'unknown'))
  process.stdout.write(`${said ?? 'ready'}\n`)
}

const filler = join(disk, 'filler')
await say()
writeFileSync(filler, Buffer.alloc(3_500_000))
await say()
rmSync(filler)
await say()
for (const words of [
  ['--bind', folder, folder],
  ['-o', 'remount,ro,bind', folder],
])
  if (spawnSync('mount', words).status !== 0) throw new Error('it cannot be mounted')
await say()
