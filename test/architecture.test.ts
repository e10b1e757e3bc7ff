import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

const SOURCE = join(import.meta.dirname, '../src')

/** Which folders of src each folder may import, and which packages. Root files, server and cli join the parts. */
const RULES: Readonly<Record<string, { readonly folders: readonly string[]; readonly packages: readonly string[] }>> = {
  core: { folders: [], packages: ['jose', 'zod', 'libsodium-wrappers'] },
  backends: { folders: ['core'], packages: ['zod', 'undici', 'node-vault', '@aws-sdk/client-secrets-manager'] },
  pending: { folders: ['core'], packages: ['zod'] },
  identity: { folders: ['core'], packages: ['jose', 'openid-client', 'zod'] },
  audit: { folders: ['core'], packages: ['zod'] },
  destinations: { folders: ['core'], packages: ['undici', 'ipaddr.js', 'zod'] },
  web: {
    folders: ['core'],
    packages: ['koa', '@koa/router', 'koa-body', 'ejs', 'marked', 'rate-limiter-flexible', 'zod'],
  },
  mcp: { folders: ['core'], packages: ['@modelcontextprotocol/sdk', 'koa', 'zod'] },
  testing: { folders: ['core'], packages: [] },
  server: { folders: ['', 'core', 'mcp', 'web'], packages: ['@modelcontextprotocol/sdk', 'koa'] },
  cli: { folders: ['', 'core', 'audit', 'server'], packages: [] },
  '': {
    folders: ['core', 'backends', 'pending', 'identity', 'audit', 'destinations', 'web'],
    packages: ['koa', 'zod'],
  },
}

/** Risky packages, each confined to one file, so that one review covers its use. */
const CONFINED: Readonly<Record<string, string>> = {
  'libsodium-wrappers': 'core/crypto/sodium.ts',
  'koa-body': 'web/form-body.ts',
  ejs: 'web/templates.ts',
  marked: 'web/guide.ts',
}

interface Import {
  readonly file: string
  readonly folder: string
  readonly target: string
}

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join(SOURCE, file), 'utf8')
  const specifiers = [...text.matchAll(/(?:^|\} |\* |\w )(?:from|import) '([^']+)'|\bimport\(\s*'([^']+)'/gm)]
  return specifiers.map(([, fixed, lazy]) => ({ file, folder: topFolder(file), target: fixed ?? lazy ?? '' }))
})

function topFolder(file: string): string {
  return file.includes('/') ? (file.split('/')[0] ?? '') : ''
}

function packageOf(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')
}

describe('layers', () => {
  test('every folder has a rule, and the rules name no folder that is gone', () => {
    expect(new Set(files.map(topFolder))).toEqual(new Set(Object.keys(RULES)))
  })

  test('there are imports to judge', () => {
    expect(imports.filter(({ target }) => target.startsWith('.')).length).toBeGreaterThan(100)
  })

  test.each(Object.keys(RULES))('"%s" imports only what its layer may', (folder) => {
    const rule = RULES[folder]
    const wrong = imports
      .filter((found) => found.folder === folder)
      .filter(({ file, target }) => {
        if (target.startsWith('node:')) return false
        if (target.startsWith('.')) {
          const reached = topFolder(relative(SOURCE, normalize(join(SOURCE, dirname(file), target))))
          return reached !== folder && !rule?.folders.includes(reached)
        }
        return builtinModules.includes(target) || !rule?.packages.includes(packageOf(target))
      })
    expect(wrong).toEqual([])
  })

  test.each(Object.entries(CONFINED))('%s is used in %s alone', (name, file) => {
    const users = new Set(imports.filter(({ target }) => packageOf(target) === name).map((found) => found.file))
    expect([...users]).toEqual([file])
  })

  test('the library never reaches for test code, samples or the conformance suites', () => {
    expect(
      imports.filter(({ folder, target }) => folder !== 'testing' && /testing|examples|test\//.test(target)),
    ).toEqual([])
  })
})

test('what people copy from the examples reaches for no test code: the demo alone does', () => {
  const folder = join(import.meta.dirname, '../examples')
  const examples = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const users = examples.filter((file) =>
    /'(?:\.\.\/)+(?:test|scripts)\//.test(readFileSync(join(folder, file), 'utf8')),
  )
  expect(users).toEqual(['tickets/demo-backend.ts'])
})

describe('files', () => {
  test('each is at most 300 lines', () => {
    expect(files.filter((file) => readFileSync(join(SOURCE, file), 'utf8').split('\n').length > 301)).toEqual([])
  })

  test('no folder or file is a dump', () => {
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|types|misc|shared)(\/|\.ts$)/.test(file))).toEqual([])
  })
})
