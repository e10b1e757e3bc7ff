import { describe, expect, test } from 'vitest'
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
describe('a network policy that admits everybody by another spelling', () => {
  test.each([
    ['a mistyped length', ['networkPolicy.from[0].namespaceSelector=null', 'networkPolicy.from[0].ipBlock.cidr=10.0.0.0/0']],
    ['a long IPv6 zero', ['networkPolicy.from[0].namespaceSelector=null', 'networkPolicy.from[0].ipBlock.cidr=0::/0']],
  ])('%s', (_, values) => refused('replicas', values, /networkPolicy\.from: a peer admits everybody/))

  test('labels emptied in a file of values', async () => {
    const values = ['{"networkPolicy":{"from":[{"namespaceSelector":{"matchLabels":{}}}]}}']
    await refusedJson('replicas', values, /networkPolicy\.from: a peer admits everybody/)
  })

  test('both selectors empty', async () => {
    const values = ['{"networkPolicy":{"from":[{"namespaceSelector":{},"podSelector":{"matchLabels":{}}}]}}']
    await refusedJson('replicas', values, /networkPolicy\.from: a peer admits everybody/)
  })
})

async function refusedJson(base: string, values: readonly string[], message: RegExp): Promise<void> {
  const { mkdtemp, rm, writeFile } = await import('node:fs/promises')
  const { tmpdir } = await import('node:os')
  const { join } = await import('node:path')
  const folder = await mkdtemp(join(tmpdir(), 'chart-values-'))
  try {
    const file = join(folder, 'values.json')
    await writeFile(file, values[0] ?? '{}')
    const { code, error } = await render([set(base), file])
    expect(code, `rendered with ${values[0]}`).not.toBe(0)
    expect(error).toMatch(message)
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('two tiers that log in as one', () => {
  const role = 'form.environment.VAULT_WRITE_ROLE=mcp-tool'
  test.each([
    ["the mount's default written out in one tier", [role, 'form.environment.VAULT_WRITE_AUTH_MOUNT=kubernetes']],
    ['a slash after the mount in one tier', [role, 'form.environment.VAULT_WRITE_AUTH_MOUNT=kubernetes/', 'tool.environment.VAULT_READ_AUTH_MOUNT=kubernetes']],
  ])('%s', (_, values) => refused('split-tiers', values, /one role/))

  test.each([
    ['one profile of AWS', ['environment.AWS_PROFILE=mcp', 'environment.AWS_SHARED_CREDENTIALS_FILE=/etc/aws/credentials']],
    ["one access key among the tools' variables", ['tools.environment.AWS_ACCESS_KEY_ID=AKIAEXAMPLE', `tools.environment.AWS_SECRET_ACCESS_KEY=${PASSWORD}`]],
    ['one address of container credentials', ['environment.AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials']],
  ])('%s', (_, values) => refused('aws', values, /both tiers|a secret does not belong/))
})

describe('secrets in values', () => {
  test.each([
    ["an access key of AWS among the tools'", 'aws', [`tools.environment.AWS_SECRET_ACCESS_KEY=${PASSWORD}`]],
    ['a token for container credentials', 'aws', [`environment.AWS_CONTAINER_AUTHORIZATION_TOKEN=${PASSWORD}`]],
    ['the secret of a variable of the server that has a file, among the tools', 'replicas', [`tools.environment.MCP_OIDC_CLIENT_SECRET=${PASSWORD}`]],
    ['a password in the address of a node without a scheme', 'split-tiers', [`environment.MCP_REDIS_SENTINEL_NODES=mcp:${PASSWORD}@sentinel-0.redis:26379`]],
    ['a token as the user of an address', 'replicas', [`environment.MCP_AUDIT_ANCHOR=https://${PASSWORD}@anchor.example.com/heads`]],
  ])('%s', (_, base, values) => refused(base, values, /secret|password/))
})

describe("the server's own variables among the tools'", () => {
  test.each([
    ['TLS without checks', ['tools.environment.NODE_TLS_REJECT_UNAUTHORIZED=0'], /NODE_EXTRA_CA_CERTS|Remove it/],
  ])('%s', (_, values, message) => refused('replicas', values, message))
})

test('two tiers in two regions of AWS do not find each other and are refused', () =>
  refused('aws', ['tool.environment.AWS_REGION=us-west-1'], /AWS_REGION is not the same/))
