import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

const PACKAGE = '@modelcontextprotocol/inspector'
export const INSPECTOR_VERSION = '2.12.0'

/** The MCP Inspector's command lines, kept in .cache. They need Node 22. Resolves to their folder of commands. */
export async function bringInspector() {
  const folder = resolve('.cache/inspector')
  const manifest = `${folder}/node_modules/${PACKAGE}/package.json`
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === INSPECTOR_VERSION)
    return `${folder}/node_modules/.bin`
  console.log('Installing the MCP Inspector, one of the clients that the tests drive.')
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/package.json`, '{ "private": true }\n')
  const install = ['install', '--silent', '--no-fund', '--no-audit', `${PACKAGE}@${INSPECTOR_VERSION}`]
  if (spawnSync('npm', install, { cwd: folder, stdio: 'inherit' }).status !== 0) {
    console.error(
      `The MCP Inspector could not be installed. Try: npm install --prefix ${folder} ${PACKAGE}@${INSPECTOR_VERSION}`,
    )
    process.exit(1)
  }
  return `${folder}/node_modules/.bin`
}
