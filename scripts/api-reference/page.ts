import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { emitDeclarations } from './declarations.ts'
import { formatDeclarations } from './format-declarations.ts'
import { type Declared, type EntryPoint, readMentioned, readPublicApi } from './public-api.ts'

const HEAD = `# API reference

Made from the docstrings by \`npm run docs:api\`. Options with their ranges and defaults are also in [configuration.md](configuration.md);
errors are in [troubleshooting.md](troubleshooting.md).
`

const MENTIONED = `## Types that are mentioned

Declarations above name them; they cannot be imported.
`

/** The page docs/api.md. */
export function apiPage(root: string): string {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    name: string
    exports: Readonly<Record<string, string | { readonly types: string }>>
  }
  const exports = Object.entries(manifest.exports).flatMap(([subpath, target]): [string, string][] =>
    typeof target === 'string' ? [] : [[subpath, target.types.replace(/^\.\/dist\/(.*)\.d\.ts$/, '$1.ts')]],
  )
  const declarations = emitDeclarations(root)
  const entries = readPublicApi(manifest.name, new Map(exports), declarations)
  const mentioned = readMentioned(entries, declarations)
  const all = [...entries.flatMap(({ symbols }) => symbols), ...mentioned]
  const code = formatDeclarations(
    root,
    all.map((symbol) => symbol.code),
  )
  const described = (symbols: readonly Declared[]) => symbols.map((symbol) => description(symbol, code)).join('\n')
  const told = new Set<string>()
  const sections = entries.map((entry) => {
    // What an earlier entry point exports too is told there. Two adapters may declare alike what they document differently.
    const identity = ({ doc, code }: Declared) => `${doc}\n${code}`
    const known = entry.symbols.filter((symbol) => told.has(identity(symbol)))
    const fresh = entry.symbols.filter((symbol) => !told.has(identity(symbol)))
    for (const symbol of fresh) told.add(identity(symbol))
    return `${heading(entry, known)}\n${described(fresh)}`
  })
  return [HEAD, ...sections, ...(mentioned.length > 0 ? [`${MENTIONED}\n${described(mentioned)}`] : [])].join('\n')
}

function heading({ specifier, doc }: EntryPoint, known: readonly Declared[]): string {
  const names = known.map(({ name }) => `\`${name}\``).join(', ')
  return `## ${specifier}\n${doc === '' ? '' : `\n${prose(doc)}\n`}${names === '' ? '' : `\n${inLines(`Also exported here: ${names}.`)}\n`}`
}

/** Pages have at most 140 characters a line. */
function inLines(text: string): string {
  return text.replace(/(.{1,140})(?: |$)/g, '$1\n').trimEnd()
}

function description({ name, doc, code }: Declared, formatted: ReadonlyMap<string, string>): string {
  return `### ${name}\n\n${doc === '' ? '' : `${prose(doc)}\n\n`}\`\`\`ts\n${formatted.get(code) ?? ''}\n\`\`\`\n`
}

/** Tags as sentences: `@throws x` becomes "Throws x", and an example follows in a block of its own. */
function prose(doc: string): string {
  return doc
    .replace(/\{@link (\w+)\}/g, '`$1`')
    .replace(/^@throws /gm, 'Throws ')
    .replace(/^@returns /gm, 'Returns ')
    .replace(/^@param (\w+) /gm, '`$1`: ')
    .replace(/\n*^@example\n/gm, '\n\nExample:\n\n')
}
