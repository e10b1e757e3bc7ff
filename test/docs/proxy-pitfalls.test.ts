import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const FOLDER = join(import.meta.dirname, '../attacks/proxy')
const page = readFileSync(join(FOLDER, 'README.md'), 'utf8')
const named = [...page.matchAll(/`([\w./-]+\.test\.ts)`/g)]
  .map(([, name = '']) => name)
  .filter((name) => !name.startsWith('test/'))

test('every pitfall names a test, and every test that is named exists', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:pitfall|attack) /.test(line))
  expect(rows.length).toBeGreaterThan(25)
  expect(rows.filter((row) => !/`[\w./-]+\.test\.ts`/.test(row))).toEqual([])
  expect(named.filter((name) => !existsSync(join(FOLDER, name)))).toEqual([])
})
