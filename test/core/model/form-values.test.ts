import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkFormValues, malformedFields } from '../../../src/core/model/form-values.ts'
import { normalisedUrl } from '../../../src/core/model/url-value.ts'
import { defineVariables, type VariablesOptions } from '../../../src/core/model/variables.ts'
import { thrownError } from '../../harness/thrown-error.ts'

function check(variables: VariablesOptions, submitted: Record<string, unknown>) {
  const result = checkFormValues(defineVariables(variables), new Map(Object.entries(submitted)))
  return result.ok ? result.values : Object.fromEntries(result.problems)
}

const pat = { label: 'Token', type: 'password' } as const

describe('submitted values', () => {
  test('outer blanks of single-line values are dropped, as pasting adds them', () => {
    expect(check({ pat }, { pat: '  ghp_abc\r\n' })).toEqual({ pat: 'ghp_abc' })
  })

  test('a textarea keeps what was typed, with LF for CRLF', () => {
    expect(check({ key: { label: 'Key', type: 'textarea' } }, { key: ' a\r\nb\n' })).toEqual({ key: ' a\nb\n' })
  })

  const base_url = { label: 'Site', type: 'url' } as const
  test.each([
    ['https://acme.atlassian.net/', 'https://acme.atlassian.net'],
    [' HTTPS://Acme.Atlassian.NET:443 ', 'https://acme.atlassian.net'],
    ['https://acme.example.com/a/../jira/', 'https://acme.example.com/jira/'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https:acme.example.com', 'https://acme.example.com'],
    ['https://acme.example.com/?q=1', 'https://acme.example.com/?q=1'],
  ])('url variables are normalised once: %s is kept as %s', (typed, kept) => {
    expect(check({ base_url }, { base_url: typed })).toEqual({ base_url: kept })
    expect(check({ base_url }, { base_url: kept })).toEqual({ base_url: kept })
  })

  test('a pattern of an url variable sees the spelling that is kept', () => {
    const site = { ...base_url, pattern: /https:\/\/[a-z.]+/ }
    expect(check({ site }, { site: 'HTTPS://Acme.example.com/' })).toEqual({ site: 'https://acme.example.com' })
    expect(check({ site }, { site: 'https://acme.example.com/x' })).toEqual({ site: 'pattern' })
    expect(check({ site }, { site: 'https://acme.exa\nmple.com' })).toEqual({ site: 'control_character' })
  })

  test('an optional field left empty is absent, never ""', () => {
    expect(check({ pat, note: { label: 'Note', required: false } }, { pat: 'x', note: '  ' })).toEqual({ pat: 'x' })
  })

  test.each([
    [{ pat }, {}, { pat: 'missing' }],
    [{ pat }, { pat: ' ' }, { pat: 'missing' }],
    [{ pat }, { pat: ['a', 'b'] }, { pat: 'not_text' }],
    [{ pat }, { pat: '\ud800' }, { pat: 'not_text' }],
    [{ pat }, { pat: 'a\u0000b' }, { pat: 'control_character' }],
    [{ pat }, { pat: 'a\nb' }, { pat: 'control_character' }],
    [{ pat: { ...pat, maxLength: 3 } }, { pat: 'abcd' }, { pat: 'too_long' }],
    [{ pat: { ...pat, pattern: /ghp_\w+/ } }, { pat: 'x ghp_a' }, { pat: 'pattern' }],
    [{ url: { label: 'URL', type: 'url' } }, { url: 'jira' }, { url: 'not_a_url' }],
    [{ url: { label: 'URL', type: 'url' } }, { url: 'http://jira.example.com' }, { url: 'not_a_url' }],
    [{ url: { label: 'URL', type: 'url' } }, { url: 'https://me:pw@jira.example.com' }, { url: 'not_a_url' }],
    [{ url: { label: 'URL', type: 'url' } }, { url: 'javascript:alert(1)' }, { url: 'not_a_url' }],
    [
      { url: { label: 'URL', type: 'url', allowedHosts: ['jira.example.com'] } },
      { url: 'https://jira.example.com.evil.test' },
      { url: 'host_not_allowed' },
    ],
  ] as [VariablesOptions, Record<string, unknown>, Record<string, string>][])(
    '%j with %j is refused',
    (variables, submitted, problems) => {
      expect(check(variables, submitted)).toEqual(problems)
    },
  )

  test.each([
    [['jira.example.com'], 'https://jira.example.com/base', true],
    [['jira.example.com'], 'https://JIRA.example.com:443/', true],
    [['jira.example.com'], 'https://jira.example.com:8443/', false],
    [['jira.example.com:8443'], 'https://jira.example.com:8443/', true],
    [['*.example.com'], 'https://a.b.example.com/', true],
    [['*.example.com'], 'https://example.com/', false],
    [['jira.internal'], 'http://jira.internal/', false],
    [['http://jira.internal:8080'], 'http://jira.internal:8080/', true],
  ])('allowed hosts %j take %s: %s', (allowedHosts, url, allowed) => {
    expect('url' in check({ url: { label: 'URL', type: 'url', allowedHosts } }, { url })).toBe(true)
    expect(check({ url: { label: 'URL', type: 'url', allowedHosts } }, { url })).toEqual({
      url: allowed ? normalisedUrl(url) : 'host_not_allowed',
    })
  })

  test('a credential over 16 KiB is refused whole', () => {
    const result = checkFormValues(
      defineVariables({ a: { label: 'A', type: 'textarea' }, b: { label: 'B', type: 'textarea' } }),
      new Map([
        ['a', 'x'.repeat(9000)],
        ['b', 'y'.repeat(9000)],
      ]),
    )
    expect(result).toMatchObject({ ok: false, tooLarge: true })
  })

  test('whatever is accepted comes out exactly as it went in, but for outer blanks', () => {
    const variables = defineVariables({ pat })
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const result = checkFormValues(variables, new Map([['pat', text]]))
        if (result.ok) expect(result.values).toEqual({ pat: text.trim() })
      }),
    )
  })
})

describe('definitions', () => {
  test.each([
    [{}, 'variables: needs at least one variable'],
    [{ pat: { ...pat, lable: 'x' } }, 'variables.pat.lable: there is no such option'],
    [{ pat: { label: '' } }, 'variables.pat.label'],
    [{ 'a-b': pat }, 'variables.a-b'],
    [{ constructor: pat }, 'constructor is not a name'],
    [{ pat: { label: 'x', allowedHosts: ['a.b'] } }, 'variables.pat.allowedHosts: belongs to a variable of type url'],
    [{ pat: { label: 'x', type: 'url', allowedHosts: ['https://a.b/path'] } }, 'variables.pat.allowedHosts[0]'],
    [{ pat: { label: 'x', maxLength: 0 } }, 'variables.pat.maxLength'],
  ])('%j names the option: %s', (options, message) => {
    const error = thrownError(() => defineVariables(options as VariablesOptions))
    expect(error.code).toBe('configuration_invalid')
    expect(error.message).toContain(message)
  })

  test('secret is the default for password and textarea alone', () => {
    const all = defineVariables({
      a: { label: 'A' },
      b: pat,
      c: { label: 'C', type: 'url' },
      d: { label: 'D', type: 'textarea' },
      e: { label: 'E', secret: true },
    })
    expect(all.filter((variable) => variable.secret).map((variable) => variable.name)).toEqual(['b', 'd', 'e'])
  })
})

describe('stored values', () => {
  const variables = defineVariables({ pat, note: { label: 'Note', required: false } })

  test.each([
    [{ pat: 'x' }, []],
    [{ pat: 'x', note: 'y', more: 'z' }, []],
    [{}, ['pat']],
    [{ pat: '' }, ['pat']],
    [{ pat: 5 }, ['pat']],
    [{ pat: 'x', note: {} }, ['note']],
  ])('%j lacks %j', (stored, wrong) => {
    expect(malformedFields(variables, stored)).toEqual(wrong)
  })
})
