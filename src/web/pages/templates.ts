import { readFileSync } from 'node:fs'
import ejs from 'ejs'

const FOLDER = new URL('../../../templates/', import.meta.url)

export function readTemplateFile(name: string): string {
  return readFileSync(new URL(name, FOLDER), 'utf8')
}

/**
 * Compiles one page inside `layout.ejs`. EJS is used in this file only. Parts are inserted as source before compiling, at the marks `<!--
 * part: name -->`, so that no page needs EJS's unescaped output to include another. Data never reaches EJS's options.
 */
export function compilePage<View extends object>(name: string): (view: View) => string {
  const source = withParts(
    readTemplateFile('layout.ejs').replace('<!-- page -->', () => readTemplateFile(`${name}.ejs`)),
  )
  const render = ejs.compile(source, { strict: true, _with: false, localsName: 'view', filename: name, cache: false })
  return (view) => render(view as Record<string, unknown>)
}

function withParts(source: string): string {
  return source.replace(/<!-- part: ([a-z-]+) -->/g, (_mark, name: string) => readTemplateFile(`part-${name}.ejs`))
}
