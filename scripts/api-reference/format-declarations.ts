import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const WIDTH = 120
const SEPARATOR = '// ---'

/** Declarations for reading: without what says only that they are declarations, wrapped by Biome. By what tsc printed. */
export function formatDeclarations(root: string, codes: readonly string[]): ReadonlyMap<string, string> {
  const unique = [...new Set(codes)]
  // One run formats all.
  const input = unique.map((code) => code.replace(/^ *#private;\n/gm, '')).join(`\n${SEPARATOR}\n`)
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const output = execFileSync(process.execPath, [biome, 'format', '--stdin-file-path=api.d.ts'], {
    cwd: root,
    input,
    encoding: 'utf8',
  })
  const parts = output.split(`\n${SEPARATOR}\n`).map((part) => part.trim())
  if (parts.length !== unique.length) throw new Error('Formatting has changed what stands between the declarations.')
  return new Map(unique.map((code, index) => [code, plainer(parts[index] ?? '')]))
}

function plainer(code: string): string {
  return code
    .replace(/^export (?:declare )?/gm, '')
    .split('\n')
    .flatMap((line) => (line.length > WIDTH ? wrapped(line) : [line]))
    .join('\n')
}

/** Biome leaves comments as long as they are. */
function wrapped(line: string): string[] {
  const [, indent = '', single, continued] = /^( *)(?:\/\*\* (.*) \*\/|\* (.*))$/.exec(line) ?? []
  const text = single ?? continued
  if (text === undefined) return [line]
  const start = single === undefined ? indent : `${indent} `
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (`${start}* ${last} ${word}`.length > WIDTH) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  const body = lines.map((words) => `${start}* ${words}`)
  return single === undefined ? body : [`${indent}/**`, ...body, `${start}*/`]
}
