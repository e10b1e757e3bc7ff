import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const FOLDER = join(import.meta.dirname, '../../../templates')
const files = readdirSync(FOLDER).map((name) => ({ name, text: readFileSync(join(FOLDER, name), 'utf8') }))
const templates = files.filter(({ name }) => name.endsWith('.ejs'))

describe('the templates', () => {
  test('put out unescaped text in one place: the guide', () => {
    const unescaped = templates.flatMap(({ name, text }) =>
      [...text.matchAll(/<%-.*?%>/g)].map(([tag]) => `${name}: ${tag}`),
    )
    expect(unescaped).toEqual(['form.ejs: <%- view.guide %>'])
  })

  test('quote every attribute that holds a value', () => {
    for (const { name, text } of templates) expect(text.match(/=\s*<%=/g), name).toBeNull()
  })

  test('hold no script, style, event handler or address of another server', () => {
    for (const { name, text } of files.filter((file) => !file.name.endsWith('.svg'))) {
      expect(text, name).not.toMatch(/\son[a-z]+\s*=|\sstyle\s*=|<style|javascript:|https?:\/\/|url\(|@import/i)
      for (const [tag] of text.matchAll(/<script[^>]*>[^<]*/g))
        expect(tag, name).toBe('<script type="module" src="<%= script %>">')
    }
  })

  test.each(['reveal.js', 'local-time.js'])('the script has no way to make markup: %s', (file) => {
    const script = files.find(({ name }) => name === file)?.text
    expect(script).toBeDefined()
    expect(script).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|Function\(|localStorage|sessionStorage|cookie|fetch/,
    )
  })
})
