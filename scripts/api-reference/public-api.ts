import { dirname, join } from 'node:path'

export interface EntryPoint {
  /** As it is imported, e.g. `mcp-credential-vault/testing`. */
  readonly specifier: string
  readonly doc: string
  readonly symbols: readonly Declared[]
}

export interface Declared {
  readonly name: string
  /** Text of the docstring, without its stars. */
  readonly doc: string
  /** As tsc prints it; overloads one below the other. */
  readonly code: string
  /** Module that declares it. */
  readonly file: string
}

/** What tsc declares of each module, by its path in src. */
export type Declarations = ReadonlyMap<string, string>

/** Everything that the subpaths of package.json export, in the order of their modules. `exports`: subpath to module. */
export function readPublicApi(
  packageName: string,
  exports: ReadonlyMap<string, string>,
  declarations: Declarations,
): EntryPoint[] {
  return [...exports].map(([subpath, file]) => {
    const text = textOf(declarations, file)
    const own = /^\/\*\*(?:(?!\*\/)[\s\S])*?@module[\s\S]*?\*\//.exec(text)?.[0] ?? ''
    return {
      specifier: packageName + subpath.slice(1),
      doc: plain(own)
        .replace(/@module.*/, '')
        .trim(),
      symbols: exportedNames(declarations, file).map(([name, where]) => declared(declarations, where, name)),
    }
  })
}

/** What public declarations mention and no entry point exports: each is given once. */
export function readMentioned(entries: readonly EntryPoint[], declarations: Declarations): Declared[] {
  const told = entries.flatMap(({ symbols }) => symbols)
  const known = new Set(told.map(({ name }) => name))
  const found = new Map<string, Declared>()
  for (const { file, code } of told) {
    const words = new Set(code.replace(/\/\*[\s\S]*?\*\//g, '').match(/\b[A-Z]\w+\b/g))
    for (const name of words) {
      const where = known.has(name) || found.has(name) ? undefined : whereIs(declarations, file, name)
      if (where !== undefined) found.set(name, declared(declarations, where, name))
    }
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name, 'en'))
}

function textOf(declarations: Declarations, file: string): string {
  const text = declarations.get(file)
  if (text === undefined) throw new Error(`There is no module ${file}.`)
  return text
}

/** Names that a module exports, each with the module that declares it. */
function exportedNames(declarations: Declarations, file: string): [string, string][] {
  const statement =
    /^export (?:type )?\{([^}]+)\} from '([^']+)';|^export (?:declare )?(?:function|class|interface|type|const) (\w+)/gm
  const names = [...textOf(declarations, file).matchAll(statement)].flatMap(([, list, from = '', own]) => {
    if (list === undefined) return [[own ?? '', file] satisfies [string, string]]
    const target = join(dirname(file), from)
    const further = new Map(exportedNames(declarations, target))
    return namesIn(list).map((name): [string, string] => [name, further.get(name) ?? target])
  })
  // Overloads are one name.
  return [...new Map(names)]
}

/** The module of ours that declares what `file` calls so. undefined for what is not ours. */
function whereIs(declarations: Declarations, file: string, name: string): string | undefined {
  const text = textOf(declarations, file)
  if (declarationsOf(text, name).length > 0) return file
  const imports = [...text.matchAll(/^import (?:type )?\{([^}]+)\} from '(\.[^']+)';/gm)]
  const from = imports.find(([, list = '']) => namesIn(list).includes(name))?.[2]
  return from === undefined ? undefined : join(dirname(file), from)
}

function namesIn(list: string): string[] {
  const names = list.split(',').map((name) => name.trim().replace(/^type /, ''))
  return names.filter((name) => name !== '')
}

function declarationsOf(text: string, name: string): RegExpExecArray[] {
  return [
    ...text.matchAll(new RegExp(`^(?:export )?(?:declare )?(?:function|class|interface|type|const) ${name}\\b`, 'gm')),
  ]
}

function declared(declarations: Declarations, file: string, name: string): Declared {
  const text = textOf(declarations, file)
  const found = declarationsOf(text, name)
  const [first] = found
  if (!first) throw new Error(`${name} is mentioned as of ${file}, which does not declare it.`)
  const before = text.slice(0, first.index)
  const doc = before.endsWith('*/\n') ? plain(before.slice(before.lastIndexOf('/**'))) : ''
  return { name, doc, code: found.map(({ index }) => statementAt(text, index)).join('\n'), file }
}

/** One declaration. tsc ends it with a brace or semicolon at the depth that it began at. */
function statementAt(text: string, index: number): string {
  const hasBody = /^(?:export )?(?:declare )?(?:class|interface)/.test(text.slice(index))
  let depth = 0
  for (let at = index; at < text.length; at += 1) {
    const character = text[at] ?? ''
    if (text.startsWith('/*', at)) at = text.indexOf('*/', at) + 1
    else if ('{(['.includes(character)) depth += 1
    else if ('})]'.includes(character)) depth -= 1
    const ends = hasBody ? character === '}' : character === ';'
    if (ends && depth === 0) return text.slice(index, at + 1)
  }
  throw new Error('A declaration has no end.')
}

/** A docstring's text. */
function plain(comment: string): string {
  const lines = comment.replace(/^\/\*\*|\*\/\s*$/g, '').split('\n')
  return lines
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
    .join('\n')
    .trim()
}
