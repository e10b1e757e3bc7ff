import { expect, test } from 'vitest'
import { CHART, render } from '../../harness/deploy/deploy-tools.ts'

const SPLIT = `${CHART}/ci/split-tiers-values.yaml`

// Vault's role and AWS's role are bound to the service account. With its token a form tier logs in with the reading role.
test.each([
  ['the default one', ['form.serviceAccount.create=false', 'tool.serviceAccount.create=false']],
  [
    'a named one',
    [
      'form.serviceAccount.create=false',
      'tool.serviceAccount.create=false',
      'form.serviceAccount.name=mcp',
      'tool.serviceAccount.name=mcp',
    ],
  ],
])('the chart refuses two tiers with one service account: %s', async (_, values) => {
  const { code, error } = await render([SPLIT], values)
  expect(code).not.toBe(0)
  expect(error).toMatch(/serviceAccount/)
})

test('the chart refuses two tiers with two web keys', async () => {
  const keyOf = (tier: string) => [
    `${tier}.secretFiles[0].variable=MCP_WEB_KEY_FILE`,
    `${tier}.secretFiles[0].secret=mcp-${tier}-keys`,
    `${tier}.secretFiles[0].key=web.key`,
  ]
  const { code, error } = await render([SPLIT], [...keyOf('form'), ...keyOf('tool')])
  expect(code).not.toBe(0)
  expect(error).toMatch(/MCP_WEB_KEY_FILE/)
})
