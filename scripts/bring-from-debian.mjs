import { spawnSync } from 'node:child_process'

/**
 * Makes sure that a command is on PATH or in /usr/sbin: through apt where this user may, else by saying what to run. `flag` has it end
 * with 0. `why` completes "Installing …".
 */
export function bringFromDebian({ command, flag, packages, why }) {
  const found = () => spawnSync(command, [flag], { stdio: 'ignore', env: withAdministration() }).status === 0
  if (found()) return
  console.log(`Installing ${why}.`)
  if (updateLists() && apt('install', '-y', '-q', '--no-install-recommends', ...packages) && found()) return
  console.error(
    `The tests need ${command}. Install it, then run them again:\n\n  sudo apt-get install --no-install-recommends ${packages.join(' ')}\n`,
  )
  process.exit(1)
}

/** Fetches the lists of packages, where this user may. */
export const updateLists = () => apt('update', '-q')

function apt(...parameters) {
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const [first, ...rest] = [...asRoot, 'apt-get', ...parameters]
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync(first, rest, { stdio: 'inherit', env }).status === 0
}

/** Debian keeps servers such as nginx where only root's PATH leads. */
export function withAdministration(environment = process.env) {
  return { ...environment, PATH: `${environment.PATH ?? ''}:/usr/sbin:/sbin` }
}
