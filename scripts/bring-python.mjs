import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Brings OpenBao, the AWS emulators and the Python client of MCP in one virtual environment, and mcp-authkit in another. They are kept in
 * .cache, and made anew when their list changes. Resolves to the first one's folder of commands.
 */
export async function bringPython() {
  bringPackages('authkit', 'authkit-packages.txt')
  return bringPackages('python', 'python-packages.txt')
}

/** Installs the packages of a list of this folder in a virtual environment in .cache, and returns its folder of commands. */
export function bringPackages(name, list, options = []) {
  const packages = fileURLToPath(new URL(`./${list}`, import.meta.url))
  const folder = resolve('.cache', name)
  const done = `${folder}/installed.txt`
  const wanted = readFileSync(packages, 'utf8')
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return `${folder}/bin`
  console.log(`Installing the packages of scripts/${list}, which the tests need.`)
  rmSync(folder, { recursive: true, force: true })
  run('python3', ['-m', 'venv', folder], 'sudo apt-get install python3-venv', list)
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...options, '-r', packages]
  run(`${folder}/bin/python`, install, `${folder}/bin/python ${install.join(' ')}`, list)
  writeFileSync(done, wanted)
  return `${folder}/bin`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bringPython()

function run(command, parameters, advice, list) {
  if (spawnSync(command, parameters, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0) return
  console.error(`The tests need the packages of scripts/${list}. This failed; try it by hand:\n\n  ${advice}\n`)
  process.exit(1)
}
