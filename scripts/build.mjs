// Compiles src to dist, from nothing, so that no module of an earlier name is packed.
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'

rmSync('dist', { recursive: true, force: true })
const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)
// npm sets the bit for an installed package; a checkout's own build needs it too.
chmodSync('dist/cli/main.js', 0o755)
