import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AISVS, ASVS, RFC } from './requirements/identifiers.ts'
import { requirementsPage } from './requirements/page.ts'
import { SUITE } from './requirements/quoted.ts'
import { linkOf } from './requirements/requirement.ts'
import { testTitles } from './requirements/test-titles.ts'
import { chapters } from './requirements.ts'

const all = chapters.flatMap(({ quoted, requirements }) => requirements.map((one) => ({ ...one, quoted })))

function textOf(file: string): string {
  const path = join(import.meta.dirname, `${file}.test.ts`)
  return existsSync(path) ? readFileSync(path, 'utf8').replaceAll("\\'", "'") : ''
}

describe('requirements', () => {
  test.each(all)('$id: $asks', ({ id, answer, quoted }) => {
    expect(linkOf(id)).toMatch(/^https:\/\//)
    switch (answer.kind) {
      case 'tested':
        expect(answer.tests.length).toBeGreaterThan(0)
        for (const [file, words] of answer.tests) {
          // npm run conformance fails when the suite does not pass what is cited.
          if (file === SUITE) {
            expect(words).toMatch(/^[\w-]+:[\w$-]+$/)
            continue
          }
          expect(textOf(file), `test/${file}.test.ts`).not.toBe('')
          const places = quoted ? testTitles(`${file}.test.ts`, textOf(file)) : [textOf(file)]
          expect(
            places.some((place) => place.includes(words)),
            `test/${file}.test.ts has "${words}"`,
          ).toBe(true)
        }
        break
      case 'reasoned':
        expect(answer.reason).toMatch(/^.{20,}\.$/)
        break
      case 'open':
        expect(answer.missing).toMatch(/^.{20,}\.$/)
    }
  })

  test('are each given once', () => {
    const ids = all.map(({ id }) => id)
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
  })

  test('leave out no row of the standards that binds us', () => {
    const levels = new Map(all.map(({ id, level }) => [id, level]))
    for (const [name, rows] of [
      ['ASVS', ASVS],
      ['AISVS', AISVS],
    ] as const) {
      for (const [level, ids] of Object.entries(rows)) {
        for (const id of ids.split(' ')) expect(levels.get(`${name} ${id}`), `${name} ${id}`).toBe(Number(level))
      }
    }
    for (const [number, sections] of Object.entries(RFC)) {
      for (const section of sections.split(' ')) {
        expect(levels.get(`RFC ${number} §${section}`), `RFC ${number} §${section}`).toBeDefined()
      }
    }
  })

  test('of level 1 and every MUST are tested or reasoned, but for those that the page owns up to', () => {
    const missing = all.filter(
      ({ level, answer }) => answer.kind === 'open' && (level === 1 || String(level).startsWith('MUST')),
    )
    expect(missing.map(({ id }) => id)).toEqual(['ASVS 10.4.5', 'ASVS 15.2.1'])
  })

  test('docs/security.md shows them as they are; otherwise run: npm run docs:security', () => {
    expect(readFileSync(join(import.meta.dirname, '../docs/security.md'), 'utf8')).toBe(requirementsPage(chapters))
  })
})
