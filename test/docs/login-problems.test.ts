import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LOGIN_PROBLEMS } from '../../src/identity/login/login-problem.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/troubleshooting.md'), 'utf8')
const section = page.split('\n## ').find((part) => part.startsWith('login_failed')) ?? ''
const rows = section.split('\n').filter((line) => line.startsWith('| `'))

test.each([...Object.keys(LOGIN_PROBLEMS), 'no_login', 'login_cookie', 'login_used', 'sessions_ended'])(
  'the page on troubleshooting says what to do about a login that failed with %s',
  (reason) => {
    expect(rows.filter((row) => row.split('|')[1]?.includes(`\`${reason}\``))).toHaveLength(1)
  },
)
