import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/** Makes sure that a Chromium is on PATH: through apt where this user may, else by saying what to run. */
export async function bringChromium() {
  if (found()) return
  const may = process.getuid?.() === 0
  const asRoot = may ? [] : ['sudo', '-n']
  const apt = (...parameters) => {
    const [command, ...rest] = [...asRoot, 'apt-get', ...parameters]
    return (
      spawnSync(command, rest, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
        .status === 0
    )
  }
  console.log('Installing Chromium, which the browser tests drive.')
  if (
    apt('update', '-q') &&
    apt('install', '-y', '-q', '--no-install-recommends', 'chromium', 'fonts-dejavu-core') &&
    found()
  )
    return
  console.error(
    'The tests need Chromium. Install it, then run them again:\n\n  sudo apt-get install --no-install-recommends chromium fonts-dejavu-core\n',
  )
  process.exit(1)
}

function found() {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.some((folder) => NAMES.some((name) => executable(join(folder, name))))
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
