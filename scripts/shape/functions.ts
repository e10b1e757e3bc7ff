import type { Node } from 'oxc-parser'
import type { SourceFile } from './source-tree.ts'

export interface FunctionShape {
  /** `path:line name` */
  readonly place: string
  /** Lines from its first to its last, without those inside of functions that it contains. */
  readonly ownLines: number
  /** Cyclomatic complexity (McCabe 1976) of its own code: 1, and 1 for each place where the way forks. */
  readonly complexity: number
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression'])
const FORKS = new Set([
  'IfStatement',
  'ConditionalExpression',
  'LogicalExpression',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'WhileStatement',
  'DoWhileStatement',
  'CatchClause',
  'AssignmentPattern',
])

export function functionsOf({ path, text, program }: SourceFile): readonly FunctionShape[] {
  const lineOf = lineFinder(text)
  const found: FunctionShape[] = []

  /** Returns how many lines of the node belong to functions in it, and how often its own code forks. */
  function walk(node: Node, name: string): { inner: number; forks: number } {
    let inner = 0
    let forks = isFork(node) ? 1 : 0
    for (const child of childrenOf(node)) {
      const below = walk(child, nameOf(child) ?? (FUNCTIONS.has(child.type) ? (nameOf(node) ?? name) : name))
      inner += below.inner
      forks += below.forks
    }
    if (!FUNCTIONS.has(node.type)) return { inner, forks }
    const [first, last] = [lineOf(node.start), lineOf(node.end)]
    found.push({ place: `${path}:${first} ${name}`, ownLines: last - first + 1 - inner, complexity: forks + 1 })
    return { inner: Math.max(0, last - first - 1), forks: 0 }
  }

  walk(program, path)
  return found
}

function isFork(node: Node): boolean {
  if (node.type === 'SwitchCase') return node.test !== null
  if (node.type === 'AssignmentExpression') return ['&&=', '||=', '??='].includes(node.operator)
  if (node.type === 'MemberExpression' || node.type === 'CallExpression') return node.optional
  return FORKS.has(node.type)
}

function childrenOf(node: Node): readonly Node[] {
  return Object.values(node)
    .flat()
    .filter((value): value is Node => typeof value === 'object' && value !== null && 'type' in value)
}

function nameOf(node: Node): string | undefined {
  if ('id' in node && node.id && 'name' in node.id) return node.id.name
  if ('key' in node && node.key && 'name' in node.key && typeof node.key.name === 'string') return node.key.name
  return undefined
}

function lineFinder(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}
