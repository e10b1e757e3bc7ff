import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** The type check covers the TypeScript examples, so a block that equals one is correct. */
test.each([
  ['README.md', 'ts', 'examples/readme.ts'],
  ['docs/getting-started.md', 'ts', 'examples/getting-started.ts'],
  ['docs/getting-started.md', 'js', 'examples/tools.mjs'],
  ['docs/recipes.md', 'ts', 'examples/recipes/tools.ts'],
  ['docs/migrating-from-mcp-authkit.md', 'ts', 'examples/from-mcp-authkit.ts'],
])('the first block of %s in %s is %s', (page, language, example) => {
  expect(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(read(page))?.[1]).toBe(read(example))
})
