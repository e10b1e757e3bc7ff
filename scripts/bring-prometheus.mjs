import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { updateLists } from './bring-from-debian.mjs'

const FOLDER = '.cache/prometheus'

/** Path of `promtool`, from Debian's package `prometheus` in .cache: downloaded and unpacked, and nothing is installed. */
export function bringPromtool() {
  const folder = resolve(FOLDER)
  const promtool = join(folder, 'usr/bin/promtool')
  if (existsSync(promtool)) return promtool
  if (spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0) return 'promtool'
  mkdirSync(folder, { recursive: true })
  const run = (command, ...parameters) =>
    spawnSync(command, parameters, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0
  const downloaded = () => readdirSync(folder).find((name) => name.endsWith('.deb'))
  const download = () => run('apt-get', 'download', '-q', 'prometheus')
  if (download() || (updateLists() && download())) {
    const archive = downloaded()
    if (archive && run('dpkg-deb', '-x', archive, '.') && existsSync(promtool)) return promtool
  }
  console.error(
    'The tests need promtool. Run "apt-get update", then them again, or install it:\n\n  sudo apt-get install --no-install-recommends prometheus\n',
  )
  process.exit(1)
}
