import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openPrivateFolder } from '../../../src/core/host/private-folder.ts'

// Root's server on a volume that belongs to somebody else: that user may replace every record and every log file.
test('a folder that another user than the server may write to is refused or warned of', async () => {
  const folder = await foreignFolder()
  const warnings: string[] = []
  const opened = openPrivateFolder(folder, {
    holds: 'audit log',
    setting: 'MCP_AUDIT_FOLDER',
    warn: (message) => void warnings.push(message),
  })
  const outcome = await opened.then(
    () => 'opened',
    () => 'refused',
  )
  expect([outcome, warnings.length > 0]).not.toEqual(['opened', false])
})

/** Only root can give a folder away; anybody else finds root's. */
async function foreignFolder(): Promise<string> {
  if (process.getuid?.() !== 0) return '/usr'
  const folder = await mkdtemp(join(tmpdir(), 'vault-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await chown(folder, 12_345, 12_345)
  return folder
}
