// Makes dependencies of the optional packages, in the versions that the lock file has, so that `npm prune --omit=dev` keeps them.
import { readFileSync, writeFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync('package.json', 'utf8'))
for (const name of Object.keys(manifest.peerDependencies)) {
  manifest.dependencies[name] = manifest.devDependencies[name]
  delete manifest.devDependencies[name]
  delete manifest.peerDependencies[name]
  delete manifest.peerDependenciesMeta[name]
}
writeFileSync('package.json', JSON.stringify(manifest, null, 2))
