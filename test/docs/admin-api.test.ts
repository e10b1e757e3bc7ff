import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { SCIM_TOKEN, startAdminHarness } from '../harness/admin-api.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/admin-api.md'), 'utf8')
const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block)

test('the commands on the page do what it says', async () => {
  const harness = await startAdminHarness()
  try {
    const expiresAt = new Date(Date.now() + 20 * 86_400_000)
    await harness.store('jira', 'alice', undefined, { expiresAt })
    await harness.store('jira', 'bob')
    const { issuer } = harness.owner('alice')
    const env = {
      PATH: process.env['PATH'],
      SERVER: harness.baseUrl,
      ISSUER: issuer,
      TOKEN: harness.operatorToken,
      SCIM_TOKEN,
    }
    const printed: string[] = []
    for (const block of blocks) printed.push((await promisify(execFile)('bash', ['-ec', block], { env })).stdout)
    const [list = '', expiring = '', offboard = '', scim = ''] = printed
    expect(JSON.parse(list).credentials).toMatchObject([{ provider: 'jira', subject: 'alice', state: 'active' }])
    expect(JSON.parse(expiring).credentials).toMatchObject([{ subject: 'alice', expiresAt: expiresAt.toISOString() }])
    expect(offboard).toContain('"would_be_revoked"')
    expect(offboard).toContain('"revoked"')
    expect(JSON.parse(scim)).toMatchObject({ externalId: 'bob', active: false })
    expect([await harness.status('jira', 'alice'), await harness.status('jira', 'bob')]).toEqual(['revoked', 'revoked'])
  } finally {
    await harness.close()
  }
})

test('every path of the API is on the page', () => {
  const verbs = readFileSync(join(import.meta.dirname, '../../src/web/admin/admin-verbs.ts'), 'utf8')
  const paths = [...verbs.matchAll(/^ {2}'?([a-z-]+)'?: \{\n {4}method: '(\w+)'/gm)]
  expect(paths).toHaveLength(7)
  for (const [, path, method] of paths) expect(page).toContain(`| \`${method} /${path}\` |`)
})
