// Compiles src to dist, from nothing, so that no module of an earlier name is packed, and leaves there only what somebody can import.
import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { usedModules } from './packed-files.mjs'

rmSync('dist', { recursive: true, force: true })
const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)
const used = usedModules('.')
for (const entry of readdirSync('dist', { recursive: true, withFileTypes: true })) {
  const path = `${entry.parentPath}/${entry.name}`
  if (entry.isFile() && !used.has(path)) rmSync(path)
}
// npm sets the bit for an installed package; a checkout's own build needs it too.
chmodSync('dist/cli/main.js', 0o755)
