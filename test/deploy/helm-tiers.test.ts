import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { CHART, render } from '../harness/deploy/deploy-tools.ts'

const set = (name: string) => `${CHART}/ci/${name}-values.yaml`
const file = (list: string, at: number, variable: string, secret: string, key: string) => [
  `${list}[${at}].variable=${variable}`,
  `${list}[${at}].secret=${secret}`,
  `${list}[${at}].key=${key}`,
]

test.each([
  [
    "the tools' login",
    ['form.environment.VAULT_READ_ROLE=mcp-tool'],
    /form: it would have VAULT_READ_ROLE, the login of/,
  ],
  [
    "the form's login",
    ['tool.environment.VAULT_WRITE_ROLE=x'],
    /tool: it would have VAULT_WRITE_ROLE.*form\.environment/,
  ],
  [
    "the tools' token",
    ['form.serviceAccountToken.variables={VAULT_READ_JWT_FILE}'],
    /form: it would have VAULT_READ_JWT/,
  ],
  ['a login for both', ['environment.VAULT_ROLE=mcp'], /VAULT_ROLE, a login for reading and writing.*VAULT_WRITE_/],
  [
    'one role',
    ['form.environment.VAULT_WRITE_ROLE=mcp-tool'],
    /VAULT_WRITE_ROLE and tool\.environment\.VAULT_READ_ROLE/,
  ],
  [
    'one audit key',
    ['form.secretFiles[0].secret=mcp-tool-keys'],
    /MCP_AUDIT_KEY_FILE would have the same file in both tiers.*form\.secretFiles and tool\.secretFiles/,
  ],
  [
    "the form's secret of the identity provider",
    file('secretFiles', 2, 'MCP_OIDC_CLIENT_SECRET_FILE', 'mcp-oidc', 'tools-secret'),
    /MCP_OIDC_CLIENT_SECRET_FILE/,
  ],
  [
    'that secret for the tools alone',
    file('tool.secretFiles', 1, 'MCP_OIDC_CLIENT_SECRET_FILE', 'mcp-oidc', 'tools-secret'),
    /tool: it would have MCP_OIDC_CLIENT_SECRET_FILE.*form\.secretFiles alone/,
  ],
  [
    'the store key',
    file('tool.secretFiles', 1, 'MCP_VAULT_KEY_FILE', 'a', 'b'),
    /tool: it would have MCP_VAULT_KEY_FILE/,
  ],
  [
    "one tier's key under another name",
    file('form.secretFiles', 1, 'VAULT_WRITE_SECRET_ID_FILE', 'mcp-tool-keys', 'audit.key'),
    /VAULT_WRITE_SECRET_ID_FILE would have the same file/,
  ],
  ['two issuers', ['form.environment.MCP_OIDC_ISSUER=https://other'], /MCP_OIDC_ISSUER is not the same in both tiers/],
  [
    'two prefixes in Redis',
    ['tool.environment.MCP_REDIS_PREFIX=x:'],
    /MCP_REDIS_PREFIX is not the same.*in environment/,
  ],
  ['two mounts in Vault', ['tool.environment.VAULT_KV_MOUNT=x'], /VAULT_KV_MOUNT is not the same/],
  ['an admin API', ['environment.MCP_ADMIN_SCOPE=x'], /MCP_ADMIN_SCOPE, and two tiers have no admin API/],
])('two tiers with %s are refused', async (_, values, message) => {
  const { code, error } = await render([set('split-tiers')], values)
  expect(code).not.toBe(0)
  expect(error).toMatch(message)
})

test('two tiers with one role of AWS are refused', async () => {
  const role = /arn:aws:iam::\d+:role\/mcp-tool/.exec(readFileSync(set('aws'), 'utf8'))?.[0]
  const { code, error } = await render(
    [set('aws')],
    [`form.serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=${role}`],
  )
  expect(code).not.toBe(0)
  expect(error).toMatch(/form\.serviceAccount\.annotations.*Give each tier a role of its own/)
})

test.each([
  ['accounts that the operator made, one for each', ['form.serviceAccount.name=a', 'tool.serviceAccount.name=b']],
  [
    'one role name of two mounts',
    ['form.environment.VAULT_WRITE_ROLE=mcp-tool', 'form.environment.VAULT_WRITE_AUTH_MOUNT=f'],
  ],
])('two tiers with %s are good', async (_, values) => {
  const { code, error } = await render([set('split-tiers')], values)
  expect(code, error).toBe(0)
})
