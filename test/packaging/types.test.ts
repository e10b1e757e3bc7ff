import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

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
const LONG = 180_000

let folder: string
let tarball: string
const run = (command: string, parameters: readonly string[], cwd = folder) =>
  execFileSync(command, parameters, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
const install = (...packages: string[]) => run('npm', ['install', '--silent', '--no-fund', '--no-audit', ...packages])

/** What the compiler says; empty when the project compiles. */
function compile(parameters: readonly string[], cwd = folder): string {
  try {
    return run('npx', ['--no-install', 'tsc', '-p', '.', ...parameters], cwd)
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error)
  }
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
  tarball = packed?.filename ?? ''
  install(`./${tarball}`)
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
  () => {
    const withoutSdk = subpaths.filter((subpath) => !subpath.startsWith('./mcp/'))
    expect(withoutSdk.length).toBeGreaterThan(5)
    writeFileSync(join(folder, 'every-subpath.ts'), importAll(withoutSdk))
    writeFileSync(join(folder, 'use.ts'), USE)
    for (const [name, parameters] of VARIANTS) expect(compile(parameters), name).toBe('')
  },
  LONG,
)

test(
  'with the optional peers, every example compiles, and so it does with the oldest TypeScript of the page',
  () => {
    const tested = { ...manifest.dependencies, ...manifest.devDependencies }
    const packages = [...Object.keys(manifest.peerDependencies), 'zod', 'koa', 'express', '@types/express', 'jose']
    install(...packages.map((name) => `${name}@${tested[name]}`))
    writeFileSync(join(folder, 'every-subpath.ts'), importAll(subpaths))
    const folders = ['express-existing', 'from-field', 'koa', 'low-level-server', 'recipes', 'stdio', 'two-providers']
    for (const name of folders) cpSync(join(ROOT, 'examples', name), join(folder, name), { recursive: true })
    for (const name of ['from-mcp-authkit.ts', 'getting-started.ts', 'readme.ts', 'your-server.ts'])
      copyFileSync(join(ROOT, 'examples', name), join(folder, name))
    const check = () => {
      for (const [name, parameters] of VARIANTS)
        expect(compile(['--allowImportingTsExtensions', ...parameters]), name).toBe('')
    }
    check()
    const oldest = /TypeScript (\d+\.\d+) or later/.exec(page)?.[1]
    install(`typescript@~${oldest}.0`)
    expect(run('npx', ['--no-install', 'tsc', '--version'])).toContain(`Version ${oldest}.`)
    check()
  },
  LONG * 2,
)

/** Whatever npm puts where, which is another place in a project that installs in another order: a lockfile would hide it. */
test.each(['Koa', 'Express', 'stdio'])(
  'without a lockfile, the %s server compiles in a folder made as plug-in.md and this page say',
  (heading) => {
    const fresh = mkdtempSync(join(tmpdir(), 'fresh-'))
    onTestFinished(() => rmSync(fresh, { recursive: true, force: true }))
    const plugIn = read('docs/plug-in.md')
    const section = plugIn.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
    const [, init = ''] = blocksOf(plugIn, 'sh')
    const [commands = ''] = blocksOf(section, 'sh')
    const types = blocksOf(page, 'sh').filter(
      (command, at) => at === 0 || command.includes(`@types/${heading.toLowerCase()}`),
    )
    expect(types).toHaveLength(heading === 'stdio' ? 1 : 2)
    copyFileSync(join(folder, tarball), join(fresh, tarball))
    run(
      'sh',
      ['-ec', [init, ...commands.split('\n').filter((line) => line.startsWith('npm ')), ...types].join('\n')],
      fresh,
    )
    writeFileSync(join(fresh, 'tsconfig.json'), block('json'))
    writeFileSync(join(fresh, 'server.ts'), blocksOf(section, 'ts')[0] ?? '')
    expect(compile([], fresh)).toBe('')
    run('npm', ['install', '--silent', '--no-fund', '--no-audit', '@types/node@20'], fresh)
    expect(compile([], fresh)).toBe('')
  },
  LONG,
)
