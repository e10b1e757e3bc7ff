import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bringPackages } from './bring-python.mjs'

const MANIFESTS = ['package.json', 'package-lock.json']

/**
 * MCP servers as their makers publish them, which the tests of the proxy run. They are kept in .cache, each file checked against the
 * checksums of scripts/published-servers. Resolves to the folders of their commands: those from npm, and those from PyPI.
 */
export async function bringPublishedServers() {
  return {
    npm: bringNpm('published-servers', new URL('./published-servers/', import.meta.url)),
    python: bringPackages('published-servers-python', 'published-servers/requirements.txt', [
      '--require-hashes',
      '--only-binary=:all:',
    ]),
  }
}

/** Other bridges from stdio to HTTP, with which the bench compares the proxy. Resolves to the folder of their commands. */
export async function bringBridges() {
  return bringNpm('bridges', new URL('../bench/proxy/bridges/', import.meta.url))
}

/** Installs a locked list of packages in .cache, without their install scripts, and returns its folder of commands. */
function bringNpm(name, list) {
  const folder = resolve('.cache', name)
  const done = `${folder}/installed.txt`
  const wanted = readFileSync(new URL('package-lock.json', list), 'utf8')
  const commands = `${folder}/node_modules/.bin`
  if (existsSync(done) && readFileSync(done, 'utf8') === wanted) return commands
  console.log(`Installing the packages of ${name}, which are run beside the proxy.`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const file of MANIFESTS) cpSync(new URL(file, list), `${folder}/${file}`)
  const install = ['install', '--ignore-scripts', '--no-fund', '--no-audit', '--silent']
  if (spawnSync('npm', install, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] }).status !== 0) {
    console.error(
      `These packages are needed. This failed; try it by hand in ${folder}:\n\n  npm ${install.join(' ')}\n`,
    )
    process.exit(1)
  }
  writeFileSync(done, wanted)
  return commands
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bringPublishedServers()
