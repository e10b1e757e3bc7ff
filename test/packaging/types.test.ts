import { execFile, execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const page = read('docs/typescript.md')
const manifest: {
  name: string
  exports: Record<string, unknown>
  peerDependencies: Record<string, string>
  devDependencies: Record<string, string>
  dependencies: Record<string, string>
} = JSON.parse(read('package.json'))

/** The blocks of a page in this language. */
const blocksOf = (text: string, language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => block)
/** The first block of the page in this language. */
const block = (language: string) => blocksOf(page, language)[0] ?? ''

const VARIANTS = [
  ['as printed', []],
  ['with Bundler resolution', ['--module', 'ESNext', '--moduleResolution', 'Bundler']],
  [
    'with the stricter options',
    [
      ...['exactOptionalPropertyTypes', 'noUncheckedIndexedAccess', 'noPropertyAccessFromIndexSignature'],
      ...['verbatimModuleSyntax', 'isolatedModules'],
    ].map((option) => `--${option}`),
  ],
] as const
/** npm installs a project, which takes minutes on a machine that is busy with something else. */
const LONG = 300_000

let folder: string
const run = (command: string, parameters: readonly string[]) =>
  execFileSync(command, parameters, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const install = (...packages: string[]) => run('npm', ['install', '--silent', '--no-fund', '--no-audit', ...packages])

/** Its threads check the same declarations more than once, and leave nothing for the other variants. Older releases do not know it. */
const ONE_THREAD = '--singleThreaded'

/** Expects that the project compiles with each variant of its options; all of them at once, which is what takes the time. */
async function compiles(...parameters: readonly string[]): Promise<void> {
  const tsc = join(folder, 'node_modules/typescript/bin/tsc')
  const printed = VARIANTS.map(async ([name, variant]) => {
    // A tenth of its time goes to memory that this leaves room for.
    const words = ['--max-semi-space-size=64', tsc, '-p', '.', ...parameters, ...variant]
    const run = promisify(execFile)(process.execPath, words, { cwd: folder })
    return [name, await run.then(({ stdout }) => stdout).catch((error) => error.stdout || String(error))]
  })
  expect(await Promise.all(printed)).toEqual(VARIANTS.map(([name]) => [name, '']))
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'typed-'))
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  ) as { filename: string }[]
  writeFileSync(join(folder, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n')
  writeFileSync(join(folder, 'tsconfig.json'), block('json'))
  install(`./${packed?.filename}`)
  run('sh', ['-ec', block('sh')])
}, LONG)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the page checks the declarations of libraries, and its options are the ones that are tried here', () => {
  expect(JSON.parse(block('json'))).toMatchObject({ compilerOptions: { skipLibCheck: false, strict: true } })
  for (const option of VARIANTS[2][1]) expect(page).toContain(`\`${option.slice(2)}\``)
})

const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json')
const importAll = (of: readonly string[]) =>
  of.map((subpath, index) => `export * as part${index} from '${manifest.name}${subpath.slice(1)}'\n`).join('')
const USE = `import { CredentialsProvider, memoryBackend, openVault } from '${manifest.name}'
const vault = await openVault({ serverBaseUrl: 'http://localhost:8005', backend: memoryBackend() })
const variables = { pat: { label: 'Token', type: 'password' }, note: { label: 'Note', required: false } } as const
const jira = new CredentialsProvider({ vault, name: 'jira', variables })
process.stdout.write(String(jira.openPaths.length))
`

test(
  'without any optional peer, an empty project compiles as the page says',
  async () => {
    const withoutSdk = subpaths.filter((subpath) => !subpath.startsWith('./mcp/'))
    expect(withoutSdk.length).toBeGreaterThan(5)
    writeFileSync(join(folder, 'every-subpath.ts'), importAll(withoutSdk))
    writeFileSync(join(folder, 'use.ts'), USE)
    await compiles(ONE_THREAD)
  },
  LONG,
)

test(
  'with the optional peers, every example compiles, and so it does with the oldest TypeScript of the page',
  async () => {
    const tested = { ...manifest.dependencies, ...manifest.devDependencies }
    const packages = [...Object.keys(manifest.peerDependencies), 'zod', 'koa', 'express', '@types/express', 'jose']
    install(...packages.map((name) => `${name}@${tested[name]}`))
    writeFileSync(join(folder, 'every-subpath.ts'), importAll(subpaths))
    const folders = ['express-existing', 'from-field', 'koa', 'low-level-server', 'recipes', 'stdio', 'two-providers']
    for (const name of folders) cpSync(join(ROOT, 'examples', name), join(folder, name), { recursive: true })
    for (const name of ['from-mcp-authkit.ts', 'getting-started.ts', 'readme.ts', 'your-server.ts'])
      copyFileSync(join(ROOT, 'examples', name), join(folder, name))
    await compiles('--allowImportingTsExtensions', ONE_THREAD)
    const oldest = /TypeScript (\d+\.\d+) or later/.exec(page)?.[1]
    install(`typescript@~${oldest}.0`)
    expect(run(process.execPath, ['node_modules/typescript/bin/tsc', '--version'])).toContain(`Version ${oldest}.`)
    await compiles('--allowImportingTsExtensions')
  },
  LONG * 2,
)
