import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** The type check covers the examples, so a block that equals one is correct. */
test.each([
  ['README.md', 'examples/readme.ts'],
  ['docs/getting-started.md', 'examples/getting-started.ts'],
  ['docs/migrating-from-mcp-authkit.md', 'examples/from-mcp-authkit.ts'],
])('the first TypeScript block of %s is %s', (page, example) => {
  expect(/```ts\n([\s\S]*?)```/.exec(read(page))?.[1]).toBe(read(example))
})
