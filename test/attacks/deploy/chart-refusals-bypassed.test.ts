import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CHART, render } from '../../harness/deploy/deploy-tools.ts'

const set = (name: string) => `${CHART}/ci/${name}-values.yaml`
const PASSWORD = 'hunter2-Zm9yZ2VkLXNlY3JldA'

async function refused(base: string, values: readonly string[], message: RegExp): Promise<void> {
  const { code, error, out } = await render([set(base)], values)
  expect(code, `rendered with ${values.join(' ')}: ${out.slice(0, 40)}`).not.toBe(0)
  expect(error).toMatch(message)
  expect(error).not.toContain(PASSWORD)
}

// 10.0.0.0/0 for /8 is one mistyped digit, and Kubernetes masks it to every address.
// Kubernetes masks 10.0.0.0/0, which is one mistyped digit for /8, to every address.
describe('a network policy that admits everybody by another spelling', () => {
  test.each([
    ['a mistyped length', { ipBlock: { cidr: '10.0.0.0/0' } }],
    ['a long IPv6 zero', { ipBlock: { cidr: '0::/0' } }],
    ['emptied labels', { namespaceSelector: { matchLabels: {} } }],
    ['both selectors empty', { namespaceSelector: {}, podSelector: { matchLabels: {} } }],
  ])('%s', (_, peer) =>
    refusedJson('replicas', { networkPolicy: { from: [peer] } }, /networkPolicy\.from: a peer admits everybody/),
  )
})

async function refusedJson(base: string, values: object, message: RegExp): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'chart-values-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'values.json')
  await writeFile(file, JSON.stringify(values))
  const { code, error } = await render([set(base), file])
  expect(code, `rendered with ${JSON.stringify(values)}`).not.toBe(0)
  expect(error).toMatch(message)
}

describe('two tiers that log in as one', () => {
  const role = 'form.environment.VAULT_WRITE_ROLE=mcp-tool'
  test.each([
    ["the mount's default written out in one tier", [role, 'form.environment.VAULT_WRITE_AUTH_MOUNT=kubernetes']],
    [
      'a slash after the mount in one tier',
      [
        role,
        'form.environment.VAULT_WRITE_AUTH_MOUNT=kubernetes/',
        'tool.environment.VAULT_READ_AUTH_MOUNT=kubernetes',
      ],
    ],
  ])('%s', (_, values) => refused('split-tiers', values, /one role/))

  test('the role of the one as a variable of the other', async () => {
    const role = 'arn:aws:iam::111122223333:role/both'
    const at = 'form.serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn'
    await refused('aws', [`${at}=${role}`, `tool.environment.AWS_ROLE_ARN=${role}`], /role/)
  })

  test.each([
    [
      'one profile of AWS',
      ['environment.AWS_PROFILE=mcp', 'environment.AWS_SHARED_CREDENTIALS_FILE=/etc/aws/credentials'],
    ],
    [
      "one access key among the tools' variables",
      ['tools.environment.AWS_ACCESS_KEY_ID=AKIAEXAMPLE', `tools.environment.AWS_SECRET_ACCESS_KEY=${PASSWORD}`],
    ],
    [
      'one address of container credentials',
      ['environment.AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials'],
    ],
  ])('%s', (_, values) => refused('aws', values, /both tiers|a secret does not belong/))
})

describe('secrets in values', () => {
  test.each([
    [
      "a token of OpenBao in the place of its file's path",
      'split-tiers',
      ['form.environment.VAULT_WRITE_TOKEN_FILE=s.iyNUhq8Ov4hIAx6snw5mB2nL'],
    ],
    ['a key in quotes', 'replicas', ['environment.MCP_WEB_KEY_FILE="mcv1_Zm9yZ2VkLWtleS1vZi10aGlzLXRlc3Q"']],
    ["an access key of AWS among the tools'", 'aws', [`tools.environment.AWS_SECRET_ACCESS_KEY=${PASSWORD}`]],
    ['a token for container credentials', 'aws', [`environment.AWS_CONTAINER_AUTHORIZATION_TOKEN=${PASSWORD}`]],
    [
      'the secret of a variable of the server that has a file, among the tools',
      'replicas',
      [`tools.environment.MCP_OIDC_CLIENT_SECRET=${PASSWORD}`],
    ],
    [
      'a password in the address of a node without a scheme',
      'split-tiers',
      [`environment.MCP_REDIS_SENTINEL_NODES=mcp:${PASSWORD}@sentinel-0.redis:26379`],
    ],
    [
      'a token as the user of an address',
      'replicas',
      [`environment.MCP_AUDIT_ANCHOR=https://${PASSWORD}@anchor.example.com/heads`],
    ],
  ])('%s', (_, base, values) => refused(base, values, /secret|password/))
})

describe("the server's own variables among the tools'", () => {
  test.each([
    ['TLS without checks', ['tools.environment.NODE_TLS_REJECT_UNAUTHORIZED=0'], /NODE_EXTRA_CA_CERTS|Remove it/],
  ])('%s', (_, values, message) => refused('replicas', values, message))
})

test('two tiers in two regions of AWS do not find each other and are refused', () =>
  refused('aws', ['tool.environment.AWS_REGION=us-west-1'], /AWS_REGION is not the same/))

describe('replicas that would share nothing and do not start', () => {
  test.each([
    ['memory beside Redis', ['environment.MCP_PENDING_STORE=memory']],
    ['a prefix without a server', ['environment.MCP_REDIS_URL=', 'environment.MCP_REDIS_PREFIX=x:']],
    ['a Sentinel without its name', ['environment.MCP_REDIS_URL=', 'environment.MCP_REDIS_SENTINEL_NODES=a:6379']],
  ])('%s', (_, values) => refused('replicas', values, /MCP_PENDING_STORE|MCP_REDIS_/))
})
