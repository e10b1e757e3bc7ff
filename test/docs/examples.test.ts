import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emitDeclarations } from '../../scripts/api-reference/declarations.ts'
import { type Declared, readPublicApi } from '../../scripts/api-reference/public-api.ts'

const ROOT = join(import.meta.dirname, '../..')

/** What an example may use without saying where it comes from: its reader has these already. */
const READER_HAS = `import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { CredentialsProvider, CredentialVault, IdentityMode, SecretBackend } from 'mcp-credential-vault'
import type { RequireCredentials, ToolExtra as Extra } from 'mcp-credential-vault/mcp/sdk-v1'
import type Koa from 'koa'

declare global {
  const app: Koa
  const backend: SecretBackend
  type ToolExtra = Extra
  const extra: ToolExtra
  const identity: IdentityMode
  const jira: CredentialsProvider<{ pat: { label: string; type: 'password' } }>
  const requireCredentials: RequireCredentials
  const server: McpServer
  const vault: CredentialVault
  function test(name: string, run: () => Promise<void>): void
  function createIssue(args: unknown, token: string): Promise<string>
}
`

/** A preset for two kinds of sites is a constant that is called. */
const CALLABLE = /^export declare (?:(?:function|class) |const \w+: SitePreset<)/

let callables: readonly Declared[]
beforeAll(() => {
  const { name, exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    name: string
    exports: Readonly<Record<string, string | { readonly types: string }>>
  }
  const entries = Object.entries(exports).flatMap(([subpath, target]): [string, string][] =>
    typeof target === 'string' ? [] : [[subpath, target.types.replace(/^\.\/dist\/(.*)\.d\.ts$/, '$1.ts')]],
  )
  const symbols = readPublicApi(name, new Map(entries), emitDeclarations(ROOT)).flatMap((entry) => entry.symbols)
  const unique = new Map(symbols.map((symbol) => [`${symbol.file}#${symbol.name}`, symbol]))
  callables = [...unique.values()].filter(({ code }) => CALLABLE.test(code))
})

const FENCED = /^@example\n```ts\n([\s\S]*?)\n```$/gm
const fencedIn = (doc: string) => [...doc.matchAll(FENCED)].map(([, example = '']) => example)

/** Examples of a class's methods. A fence would end the block that the class is printed in on docs/api.md, so they have none. */
const ofMethodsIn = (code: string) =>
  [...code.matchAll(/\* @example\n([\s\S]*?)(?=\n +\* @|\n +\*\/)/g)].map(([, lines = '']) =>
    lines.replace(/^ +\* ?/gm, ''),
  )

test('every public function and class has one example, which ends its docstring', () => {
  expect(callables.length).toBeGreaterThan(30)
  const wrong = callables.filter(({ doc }) => fencedIn(doc).length !== 1 || !doc.endsWith('```'))
  expect(wrong.map(({ name }) => name)).toEqual([])
})

test('every example shows its own function, and imports it from a path that is exported', () => {
  for (const { name, doc } of callables) {
    const [example = ''] = fencedIn(doc)
    expect(example, name).toMatch(new RegExp(`^import \\{[^}]*\\b${name}\\b[^}]*\\} from 'mcp-credential-vault`, 'm'))
    expect(example, name).toMatch(new RegExp(`^(?!import).*\\b${name}\\(`, 'm'))
  }
})

let folder: string
beforeAll(() => {
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  // Inside the project, where the packages are found.
  folder = mkdtempSync(join(ROOT, '.cache/examples-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('every example compiles with the project’s own options', () => {
  const options = { noUnusedLocals: false, allowUnreachableCode: true }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions: options, include: ['.'] }),
  )
  writeFileSync(join(folder, 'reader-has.ts'), READER_HAS)
  let written = 0
  for (const { name, doc, code } of callables)
    for (const [index, example] of [...fencedIn(doc), ...ofMethodsIn(code)].entries()) {
      // As a module, so that examples do not see each other's names.
      writeFileSync(join(folder, `${name}-${index}.ts`), `${example}\nexport {}\n`)
      written += 1
    }
  expect(written).toBeGreaterThan(callables.length)
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
  expect(stdout).toBe('')
})
