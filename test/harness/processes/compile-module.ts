import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { buildSync } from 'esbuild'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const CACHE = join(ROOT, '.cache/compiled')
const COMPILED = ['src', 'test', 'examples']
/** Looked for beside the code; with the manifest, the package's own name leads to the built package here. */
const BESIDE = ['templates', 'docs', 'package.json', 'dist', 'scripts/bring-python.mjs']
const KEPT_MS = 24 * 60 * 60 * 1000

/** Three folders deep, as the modules that look for `templates` and the manifest above themselves. */
const COMMAND = 'src/cli/bundled'
/** esbuild leaves `require` of Node's own modules in packages that are CommonJS. */
const REQUIRE = `import { createRequire as requireOfBundle } from 'node:module'; const require = requireOfBundle(import.meta.url);`

let tree: string | undefined

/** Path of a module of the project as plain JavaScript, so that a process that runs it starts in a tenth of a second. */
export function compiled(entry: string): string {
  return compiledIn(compiledTree(), entry)
}

/**
 * Path of `mcp-credential-vault` with its packages in a few files. It loads 300 modules otherwise, which takes half of the time of a
 * process that the tests start hundreds of times. A module that the command is to share with the test's own stays `compiled`.
 */
export function bundledCommand(): string {
  return join(compiledTree(), COMMAND, 'main.js')
}

export function compiledIn(folder: string, entry: string): string {
  return join(folder, relative(ROOT, entry).replace(/\.ts$/, '.js'))
}

/**
 * The project's folders as plain JavaScript, inside the project, where the packages are found. Compiled once for what they hold, for all
 * test files and later runs: types are checked elsewhere.
 */
export function compiledTree(): string {
  // In a process that runs plain JavaScript already, that is where the rest of it is.
  tree ??= import.meta.filename.endsWith('.js') ? ROOT : treeFor(contentHash())
  return tree
}

function treeFor(hash: string): string {
  const finished = join(CACHE, hash)
  if (existsSync(finished)) return finished
  mkdirSync(CACHE, { recursive: true })
  const folder = mkdtempSync(join(CACHE, 'new-'))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const options = ['-p', 'tsconfig.json', '--noCheck', '--noEmit', 'false', '--rootDir', ROOT, '--outDir', folder]
  const { status, stdout } = spawnSync(process.execPath, [tsc, ...options], { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the project does not compile: ${stdout}`)
  bundleCommand(folder)
  for (const name of BESIDE) symlinkSync(join(ROOT, name), join(folder, name))
  try {
    renameSync(folder, finished)
  } catch (error) {
    // Another test file has compiled the same in the meantime.
    if (!existsSync(finished)) throw error
    rmSync(folder, { recursive: true, force: true })
  }
  removeOld()
  return finished
}

function bundleCommand(folder: string): void {
  buildSync({
    absWorkingDir: folder,
    entryPoints: ['src/cli/main.js'],
    outdir: COMMAND,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    // They are loaded only when they are needed, and by the names that Node finds in CommonJS, which esbuild does not offer.
    external: ['@aws-sdk/*', '@modelcontextprotocol/*', '@opentelemetry/*', 'node-vault', 'pino', 'redis'],
    banner: { js: REQUIRE },
    logLevel: 'error',
  })
}

/** What an earlier state of the project left. A run that still goes on may use a newer one. */
function removeOld(): void {
  for (const path of readdirSync(CACHE).map((name) => join(CACHE, name))) {
    const modified = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - modified > KEPT_MS) rmSync(path, { recursive: true, force: true })
  }
}

function contentHash(): string {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, 'tsconfig.json')))
  for (const name of COMPILED.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .sort()
      .map((file) => `${folder}/${file}`),
  ))
    hash.update(`${name}\0`).update(readFileSync(join(ROOT, name)))
  return hash.digest('hex').slice(0, 16)
}
