import { chown, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openPrivateFolder } from '../../src/core/private-folder.ts'

// Root's server on a volume that belongs to somebody else: that user may replace every record and every log file.
test.runIf(process.getuid?.() === 0)(
  'a folder that another user than the server may write to is refused or warned of',
  async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'vault-')), 'audit')
    await mkdir(folder, { mode: 0o755 })
    await chown(folder, 12_345, 12_345)
    const warnings: string[] = []
    const opened = openPrivateFolder(folder, {
      holds: 'audit log',
      variable: 'MCP_AUDIT_FOLDER',
      warn: (message) => void warnings.push(message),
    })
    const outcome = await opened.then(
      () => 'opened',
      () => 'refused',
    )
    expect([outcome, warnings.length > 0]).not.toEqual(['opened', false])
  },
)
