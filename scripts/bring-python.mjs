import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const LIST = fileURLToPath(new URL('./python-packages.txt', import.meta.url))

/**
 * OpenBao, the AWS emulators and the Python client of MCP, in a virtual environment that is kept in .cache and made anew when
 * python-packages.txt changes. Resolves to its folder of commands.
 */
export async function bringPython() {
  const folder = resolve('.cache/python')
  const done = `${folder}/installed.txt`
  const wanted = readFileSync(LIST, 'utf8')
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return `${folder}/bin`
  console.log('Installing the servers that the tests talk to.')
  rmSync(folder, { recursive: true, force: true })
  run('python3', ['-m', 'venv', folder], 'sudo apt-get install python3-venv')
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', LIST]
  run(`${folder}/bin/python`, install, `${folder}/bin/python ${install.join(' ')}`)
  writeFileSync(done, wanted)
  return `${folder}/bin`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bringPython()

function run(command, parameters, advice) {
  if (spawnSync(command, parameters, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0) return
  console.error(
    `The tests need the packages of scripts/python-packages.txt. This failed; try it by hand:\n\n  ${advice}\n`,
  )
  process.exit(1)
}
