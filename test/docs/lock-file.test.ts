import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface LockedPackage {
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly dev?: boolean
  readonly optional?: boolean
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Readonly<Record<string, LockedPackage>>
}
// npm writes no checksum for builds of development tools for other systems, which are never installed here.
const installed = Object.entries(packages).filter(([path, { dev, optional }]) => path !== '' && !(dev && optional))

test('every package has a checksum, and comes from the registry that npm is set up for', () => {
  expect(installed.length).toBeGreaterThan(100)
  for (const [path, { resolved, integrity, link }] of installed) {
    expect(link, path).toBeUndefined()
    expect(integrity, path).toMatch(/^sha512-/)
    expect(resolved, path).toBeUndefined()
  }
})

test('no dependency is a git repository, a folder or a URL', () => {
  const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>
  for (const kind of ['dependencies', 'devDependencies', 'peerDependencies']) {
    for (const [name, range] of Object.entries(manifest[kind] ?? {})) expect(range, name).toMatch(/^[\^~><=\d. ]+$/)
  }
})
