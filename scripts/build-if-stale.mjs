// Builds dist when it is missing or older than src: in a fresh clone, and after a change or a pull.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'

const MAIN = 'dist/cli/main.js'
const SOURCES = ['src', 'package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']

function newest(path) {
  const { mtimeMs } = statSync(path)
  if (!statSync(path).isDirectory()) return mtimeMs
  const entries = readdirSync(path, { recursive: true, encoding: 'utf8' }).map(
    (name) => statSync(`${path}/${name}`).mtimeMs,
  )
  return Math.max(mtimeMs, ...entries)
}

if (!existsSync(MAIN) || Math.max(...SOURCES.map(newest)) > statSync(MAIN).mtimeMs) {
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
