import { afterEach, expect, test } from 'vitest'
import { type LocalForm, startLocalForm } from '../../harness/local-form.ts'

// A service, or whoever may choose a display name there, makes one account look like another.

let form: LocalForm
afterEach(() => form.close())

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

async function labelled(accountName: string, pat = 'tok-1-abcdef') {
  form = await startLocalForm({
    variables: { pat: { label: 'Token', type: 'password' } },
    verify: async () => ({ ok: true, accountName }),
  })
  const page = await form.submit({ pat })
  const stored = await form.stored()
  return { page, name: stored.status === 'active' ? stored.labels?.accountName : 'not stored' }
}

test.each([
  ['the reversed direction', 'alice\u202E(nimda)', 'alice(nimda)'],
  ['an isolate', '\u2067alice\u2069', 'alice'],
  ['line separators', 'alice\u2028Admin\u2029x', 'alice Admin x'],
  ['line ends and tabs', 'alice\r\n\tAdmin', 'alice Admin'],
  ['an escape sequence', 'alice\u001B[2J', 'alice [2J'],
  ['characters without width', 'al\u200Bi\u2060ce\uFEFF', 'alice'],
  ['half a character', 'alice\uD83D', 'alice'],
  ['nothing visible', '\u202E\u200B \u2028', undefined],
  ['letters of other scripts', 'Zoë Müller 李雷 🦊', 'Zoë Müller 李雷 🦊'],
])('a name with %s is stored and shown without it', async (_, given, expected) => {
  const { page, name } = await labelled(given)
  expect([page.status, name]).toEqual([200, expected])
  const shown = page.html.replace(/[\n\t]/g, '')
  expect(shown).not.toMatch(HIDDEN)
  if (expected !== undefined) expect(shown).toContain(expected)
})

test('a token that hidden characters break up is not shown once they are gone', async () => {
  const { page, name } = await labelled('tok-canary\u200B-91c2', 'tok-canary-91c2')
  expect([page.status, name]).toEqual([200, undefined])
  expect(page.html).not.toContain('tok-canary-91c2')
})
