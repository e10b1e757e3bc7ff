import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

/** What a clone holds, with its dependencies installed and nothing built. */
function freshClone(): string {
  const clone = mkdtempSync(join(tmpdir(), 'clone-'))
  onTestFinished(() => rmSync(clone, { recursive: true, force: true }))
  const files = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
  for (const file of files.split('\0'))
    if (file !== '' && existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(clone, file))
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
  return clone
}

test('in a fresh clone, npm run demo and npm pack build what they need, and build it once', () => {
  const clone = freshClone()
  const npm = (...parameters: string[]) =>
    execFileSync('npm', parameters, { cwd: clone, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  expect(existsSync(join(clone, 'dist'))).toBe(false)
  // It imports the library by its name, as npm start does.
  expect(npm('run', 'demo', '--', '--help')).toContain('Usage: npm run demo')
  expect(existsSync(join(clone, 'dist/cli/main.js'))).toBe(true)
  rmSync(join(clone, 'dist/index.js'))
  npm('run', 'prestart')
  expect(existsSync(join(clone, 'dist/index.js')), 'dist is newer than src: not built again').toBe(false)
  npm('pack', '--silent')
  expect(existsSync(join(clone, 'dist/index.js')), 'a tarball is always built').toBe(true)
}, 120_000)

test('npm start builds as npm run demo does', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  expect(scripts).toMatchObject({ prestart: scripts.predemo, start: expect.stringContaining('examples/tickets/') })
})
