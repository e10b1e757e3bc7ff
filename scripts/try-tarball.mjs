import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const SDK = '@modelcontextprotocol/sdk'
const SDK_V2 = '@modelcontextprotocol/server'
const SELF = 'mcp-credential-vault'
const QUIET = ['--silent', '--no-fund', '--no-audit']

/** A project that holds nothing but the packed tarball, as a user would make it. */
export function emptyProject(tarball) {
  const folder = mkdtempSync(join(tmpdir(), 'tarball-'))
  const project = {
    folder,
    run: (command, parameters, options = {}) =>
      execFileSync(command, parameters, {
        cwd: folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        ...options,
      }),
    write: (name, text) => writeFileSync(join(folder, name), text),
    install: (...packages) => project.run('npm', ['install', ...QUIET, ...packages]),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
  project.write('package.json', '{ "name": "empty", "version": "1.0.0", "private": true, "type": "module" }\n')
  project.install(tarball)
  return project
}

/** Without any optional peer: the rest works, and what needs one names it. */
export function tryWithoutPeers(project, nodes) {
  copyFileSync(resolve('scripts/in-empty-project/without-peers.mjs'), join(project.folder, 'without-peers.mjs'))
  for (const [, node] of nodes) project.run(node, ['without-peers.mjs'])
  const key = project.run('npx', ['--no-install', 'mcp-credential-vault', 'keygen'])
  if (!/^mcv1_/.test(key)) throw new Error('keygen printed no key')
  writeFileSync(join(project.folder, 'vault.key'), key, { mode: 0o600 })
}

/**
 * README's example and every subpath: types with every library's declarations checked, then run as JavaScript, the example also as
 * TypeScript where Node can.
 */
export function tryReadme(project, nodes, versions) {
  const { folder, run } = project
  const packages = [SDK, SDK_V2, 'koa', 'zod', 'typescript', '@types/node']
  project.install(...packages.map((name) => `${name}@${versions[name].replace(/^\^/, '')}`))
  for (const name of ['readme.ts', 'your-server.ts']) copyFileSync(resolve('examples', name), join(folder, name))
  copyFileSync(resolve('scripts/in-empty-project/call-readme.mjs'), join(folder, 'call-readme.mjs'))
  // Every subpath, so that each one's declarations are checked and each one is loaded.
  const { exports } = JSON.parse(readFileSync(resolve('package.json'), 'utf8'))
  const subpaths = Object.keys(exports).filter((subpath) => subpath !== './package.json')
  project.write(
    'every-subpath.ts',
    subpaths.map((subpath) => `export * as ${wordOf(subpath)} from '${SELF}${subpath.slice(1)}'\n`).join(''),
  )
  const checks = ['--strict', '--skipLibCheck', 'false', '--target', 'ES2023', '--types', 'node']
  const tsc = join(folder, 'node_modules/typescript/bin/tsc')
  const compile = (...parameters) =>
    run(process.execPath, [tsc, ...checks, ...parameters, 'readme.ts', 'every-subpath.ts'])
  compile('--module', 'NodeNext', '--rewriteRelativeImportExtensions', '--outDir', 'js')
  compile('--module', 'ESNext', '--moduleResolution', 'Bundler', '--allowImportingTsExtensions', '--noEmit')
  const environment = { ...process.env, MCP_VAULT_KEY_FILE: join(folder, 'vault.key') }
  for (const [version, node] of nodes) {
    const examples = Number(version) < 22 ? ['./js/readme.js'] : ['./js/readme.js', './readme.ts']
    run(node, ['js/every-subpath.js'])
    for (const example of examples) run(node, ['call-readme.mjs', example], { env: environment })
  }
}

function wordOf(subpath) {
  return `all${subpath.replace(/\W+/g, '_')}`
}

/** Two installed copies of the SDK: the gate refuses the server of the other one, and names both. */
export function tryTwoCopies(project, nodes) {
  const { folder, run } = project
  const application = join(folder, 'application')
  mkdirSync(application)
  writeFileSync(join(application, 'package.json'), '{ "private": true, "type": "module" }\n')
  run('npm', ['install', ...QUIET, `${SDK}@1.26.0`], { cwd: application })
  copyFileSync(resolve('scripts/in-empty-project/two-copies.mjs'), join(application, 'two-copies.mjs'))
  for (const [, node] of nodes) run(node, ['two-copies.mjs'], { cwd: application })
}

/** The project's own version of each package that a user installs beside it. */
export function testedVersions() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
  return { ...dependencies, ...devDependencies }
}
