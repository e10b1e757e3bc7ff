import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** The rows of the failure matrix: what can go wrong between this library and a store. */
const ROWS = 40
const FOLDERS = ['.', '../backends']

test('every row of the failure matrix has a test of its own', () => {
  const files = FOLDERS.flatMap((folder) => {
    const path = join(import.meta.dirname, folder)
    return readdirSync(path, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => join(path, name))
  })
  const titles = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/['`]row (\d+)(?: and (\d+))?/g)])
  const covered = new Set(titles.flatMap(([, one, other]) => [Number(one), Number(other)]))
  expect(Array.from({ length: ROWS }, (_, i) => i + 1).filter((row) => !covered.has(row))).toEqual([])
})
