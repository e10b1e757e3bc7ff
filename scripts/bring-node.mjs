import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

/** Node's newer releases from the npm package `node`, kept in .cache. Resolves to pairs of version and binary. */
export async function bringNode(versions) {
  return versions.map((version) => {
    const folder = resolve(`.cache/node-${version}`)
    const binary = `${folder}/node_modules/node/bin/node`
    if (!existsSync(binary)) {
      mkdirSync(folder, { recursive: true })
      writeFileSync(`${folder}/package.json`, '{ "private": true }\n')
      const install = spawnSync('npm', ['install', '--silent', '--no-fund', '--no-audit', `node@${version}`], {
        cwd: folder,
        stdio: 'inherit',
      })
      if (install.status !== 0 || !existsSync(binary)) {
        console.error(`Node ${version} could not be installed. Try: npm install --prefix ${folder} node@${version}`)
        process.exit(1)
      }
    }
    return [version, binary]
  })
}
