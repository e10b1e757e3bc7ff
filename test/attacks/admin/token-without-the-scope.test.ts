import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AdminHarness, startAdminHarness } from '../../harness/admin-api.ts'

let harness: AdminHarness
beforeAll(async () => {
  harness = await startAdminHarness()
  await harness.store('jira', 'bob')
})
afterAll(() => harness.close())

const REQUESTS = [
  ['GET', 'credentials'],
  ['GET', 'credential?provider=jira'],
  ['GET', 'expiring'],
  ['POST', 'revoke'],
  ['POST', 'revoke-all'],
  ['POST', 'rollback'],
  ['POST', 'offboard'],
  ['GET', 'nowhere'],
  ['DELETE', ''],
] as const

/** A request to offboard Bob, where a body is sent at all. */
const sentBy = (method: string, token: string | undefined) => ({
  token,
  ...(method === 'POST' && { body: { provider: 'jira', ...harness.owner('bob') } }),
})

test('a user with an ordinary token offboards nobody, and is told the same wherever they ask', async () => {
  const token = await harness.identityProvider.issueAccessToken('mallory')
  for (const [method, path] of REQUESTS) {
    const answer = await harness.admin(method, path, sentBy(method, token))
    expect([answer.status, answer.text], path).toEqual([403, '{"error":"insufficient_scope"}'])
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope"')
  }
  expect(await harness.status('jira', 'bob')).toBe('active')
  expect(harness.audit.events.find(({ type }) => type === 'token.rejected')).toMatchObject({
    reason: 'insufficient_scope',
    owner: harness.owner('mallory'),
  })
})

test('scopes that only look like it are other scopes', async () => {
  for (const scope of ['mcp', 'mcp:adminx', 'MCP:ADMIN', 'xmcp:admin', 'mcp:admin:read', 'admin']) {
    const token = await harness.identityProvider.issueAccessToken('mallory', { scope })
    expect((await harness.admin('GET', 'credentials', { token })).status, scope).toBe(403)
  }
})

test('without a token, with a malformed, expired or foreign one: 401 with nothing in it', async () => {
  const { identityProvider } = harness
  const tokens = [
    undefined,
    'x y',
    'nonsense',
    await identityProvider.issueAccessToken('olga', { scope: 'mcp:admin', expiresIn: -60 }),
    await identityProvider.issueAccessToken('olga', { scope: 'mcp:admin', audience: 'https://other.example.com' }),
  ]
  for (const token of tokens) {
    for (const [method, path] of REQUESTS) {
      const { status, text, headers } = await harness.admin(method, path, sentBy(method, token))
      expect(status).toBe(401)
      expect(text).toMatch(/^\{"error":"(unauthorized|invalid_token)"\}$/)
      expect(headers.get('www-authenticate')).toMatch(/^Bearer( error="invalid_token")?$/)
    }
  }
  expect(await harness.status('jira', 'bob')).toBe('active')
})

test("a user's token does not open SCIM, nor its token the API, nor an operator's token SCIM", async () => {
  const token = await harness.identityProvider.issueAccessToken('mallory')
  for (const wrong of [token, harness.operatorToken, undefined]) {
    expect((await harness.scim('GET', 'Users', { token: wrong })).status).toBe(401)
  }
  const scimToken = { token: 'scim-token-0123456789abcdef0123456789abcdef' }
  expect((await harness.admin('GET', 'credentials', scimToken)).status).toBe(401)
})

test('where operators are named, the scope alone is not enough', async () => {
  const named = await startAdminHarness({
    admin: (issuer) => ({ operators: [{ issuer, subject: 'olga' }] }),
  })
  try {
    const mallory = await named.identityProvider.issueAccessToken('mallory', { scope: 'mcp:admin' })
    expect((await named.admin('GET', 'credentials')).status).toBe(200)
    expect((await named.admin('GET', 'credentials', { token: mallory })).status).toBe(403)
  } finally {
    await named.close()
  }
})
