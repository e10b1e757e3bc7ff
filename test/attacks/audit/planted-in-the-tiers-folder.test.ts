import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { expect, onTestFinished, test } from 'vitest'
import { createJsonLines } from '../../../src/audit/json-lines.ts'
import { segmentName } from '../../../src/audit/segments/segment-name.ts'

const PLANTS: Record<string, (path: string) => Promise<unknown>> = {
  pipe: async (path) => spawnSync('mkfifo', [path]),
  folder: (path) => mkdir(path),
  loop: (path) => symlink(path, path),
  zeros: (path) => symlink('/dev/zero', path),
}

test.each(Object.keys(PLANTS).flatMap((what) => [[what, undefined], [what, 'form']] as const))('%s, tier %s', async (what, tier) => {
  const folder = await mkdtemp(join(tmpdir(), 'audit-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const name = segmentName(new Date(Date.now() - 60_000), 'a'.repeat(16), 1)
  await PLANTS[what]?.(join(folder, name))
  const warnings: string[] = []
  const audit = createJsonLines({ folder, key: generateKeyText(), warn: (m: string) => warnings.push(m) } as never)
  const within = (p: Promise<unknown>) => Promise.race([p.then(() => 'done', (e) => `failed ${e.message}`), new Promise((r) => setTimeout(() => r('hangs'), 3000))])
  const opened = await within(Promise.resolve(audit.open?.(undefined, undefined, tier as never)))
  const appended = await within(audit.append({ type: 'credential.revoked', outcome: 'success', correlationId: 'x', provider: 'p' } as never))
  console.log(what, tier, name, opened, appended, warnings)
  expect([opened, appended]).toEqual(['done', 'done'])
}, 15_000)
