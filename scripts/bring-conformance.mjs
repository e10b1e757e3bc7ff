import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

const PACKAGE = '@modelcontextprotocol/conformance'
const VERSION = '0.2.0-alpha.12'

/** The conformance suite of the Model Context Protocol, kept in .cache. It needs Node 22. Resolves to its command's file. */
export async function bringConformance() {
  const folder = resolve('.cache/conformance')
  const installed = `${folder}/node_modules/${PACKAGE}`
  const manifest = `${installed}/package.json`
  if (!existsSync(manifest) || JSON.parse(readFileSync(manifest, 'utf8')).version !== VERSION) {
    console.log('Installing the conformance suite of the Model Context Protocol.')
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}/package.json`, '{ "private": true }\n')
    const install = ['install', '--silent', '--no-fund', '--no-audit', `${PACKAGE}@${VERSION}`]
    if (spawnSync('npm', install, { cwd: folder, stdio: 'inherit' }).status !== 0) {
      console.error(
        `The conformance suite could not be installed. Try: npm install --prefix ${folder} ${PACKAGE}@${VERSION}`,
      )
      process.exit(1)
    }
  }
  return `${installed}/dist/index.js`
}
