import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')

/** Every declaration file that a project loads which imports the package. */
function declarations(): ReadonlySet<string> {
  const { exports: entries } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const found = new Set<string>()
  const queue = Object.values<{ types?: string } | string>(entries).flatMap((one) =>
    typeof one === 'object' && one.types !== undefined ? [join(ROOT, one.types)] : [],
  )
  for (const file of queue) {
    if (found.has(file) || !existsSync(file)) continue
    found.add(file)
    for (const [, one, other] of readFileSync(file, 'utf8').matchAll(/from '(\.[^']+)'|import\("(\.[^"]+)"\)/g)) {
      queue.push(join(dirname(file), String(one ?? other).replace(/\.(?:ts|js)$/, '.d.ts')))
    }
  }
  return found
}

// They compile only beside version 1 of content-disposition, which a project with Express 5 does not have.
test("no public declaration names Koa's types", () => {
  const files = [...declarations()]
  expect(files.length).toBeGreaterThan(50)
  expect(files.filter((file) => /from ['"]koa['"]|import\(['"]koa['"]\)/.test(readFileSync(file, 'utf8')))).toEqual([])
})
