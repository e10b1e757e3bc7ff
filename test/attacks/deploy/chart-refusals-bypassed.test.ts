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

// Kubernetes masks 10.0.0.0/0, which is one mistyped digit for /8, to every address.
describe('a network policy that admits everybody by another spelling', () => {
  test.each([
    ['a mistyped length', { ipBlock: { cidr: '10.0.0.0/0' } }],
    ['a long IPv6 zero', { ipBlock: { cidr: '0::/0' } }],
    ['half of all addresses', { ipBlock: { cidr: '128.0.0.0/1' } }],
    ['half of all addresses, with a zero before the length', { ipBlock: { cidr: '128.0.0.0/01' } }],
    ['an eighth of IPv6', { ipBlock: { cidr: '2000::/3' } }],
    ['IPv4 as IPv6', { ipBlock: { cidr: '::ffff:0.0.0.0/96' } }],
    ['emptied labels', { namespaceSelector: { matchLabels: {} } }],
    ['both selectors empty', { namespaceSelector: {}, podSelector: { matchLabels: {} } }],
    ['emptied expressions', { namespaceSelector: { matchExpressions: [] } }],
    [
      'a label that each namespace has',
      { namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'Exists' }] } },
    ],
    [
      'everybody but one',
      {
        namespaceSelector: {
          matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['dev'] }],
        },
      },
    ],
  ])('%s', (_, peer) =>
    refusedJson('replicas', { networkPolicy: { from: [peer] } }, /networkPolicy\.from: a peer admits everybody/),
  )
})

describe('egress that reaches the metadata service by another spelling', () => {
  const half = ['0.0.0.0/1', '128.0.0.0/1'].map((cidr) => ({ ipBlock: { cidr } }))
  test.each([
    ['both halves of all addresses', { to: half }],
    ['one half', { to: half.slice(1) }],
    ['every address', { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }],
    ['no peer, which is everybody', { ports: [{ port: 443 }] }],
    ['an exception of something else', { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }] }],
    ['every address of IPv6', { to: [{ ipBlock: { cidr: '::/0', except: ['fe80::/10'] } }] }],
  ])('%s', (_, rule) =>
    refusedJson('replicas', { networkPolicy: { egress: [rule] } }, /networkPolicy\.egress: a rule reaches/),
  )

  test('every address but the link-local ones is accepted', async () => {
    const blocks = [
      { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] },
      { cidr: '::/0', except: ['fd00:ec2::/32'] },
    ]
    const rule = { to: blocks.map((ipBlock) => ({ ipBlock })), ports: [{ protocol: 'UDP', port: 443 }] }
    const { code, error } = await render([set('replicas'), await valuesFile({ networkPolicy: { egress: [rule] } })])
    expect(code, error).toBe(0)
  })
})

async function valuesFile(values: object): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'chart-values-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'values.json')
  await writeFile(file, JSON.stringify(values))
  return file
}

async function refusedJson(base: string, values: object, message: RegExp): Promise<void> {
  const { code, error } = await render([set(base), await valuesFile(values)])
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
    ['capitals, which Vault ignores', ['form.environment.VAULT_WRITE_ROLE=MCP-Tool']],
  ])('%s', (_, values) => refused('split-tiers', values, /one role|_AUTH_MOUNT: it must be .* none at either end/))

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
      'one access key without its secret',
      ['form.environment.AWS_ACCESS_KEY_ID=AKIAEXAMPLE', 'tool.environment.AWS_ACCESS_KEY_ID=AKIAEXAMPLE'],
    ],
    [
      'one profile, once for the tools and once for a tier',
      ['tools.environment.AWS_PROFILE=mcp', 'form.environment.AWS_PROFILE=mcp'],
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
    [
      'a token in the middle of a text',
      'replicas',
      ['tools.environment.HEADERS=X-Vault-Token:hvs.CAESIJx0Zm9yZ2VkLXRva2Vu'],
    ],
    [
      'a password with a slash',
      'replicas',
      [`environment.MCP_REDIS_URL=rediss://mcp:a/${PASSWORD}@redis.example.com:6379`],
    ],
    ['a proxy with a password', 'replicas', [`tools.environment.HTTPS_PROXY=mcp:${PASSWORD}@proxy:3128`]],
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
    ['two servers', ['environment.MCP_REDIS_CLUSTER_NODES=redis.example.com:6379']],
    ['a Sentinel without its name', ['environment.MCP_REDIS_URL=', 'environment.MCP_REDIS_SENTINEL_NODES=a:6379']],
  ])('%s', (_, values) => refused('replicas', values, /MCP_PENDING_STORE|MCP_REDIS_/))
})

describe('values that only look like those are good', () => {
  test.each([
    [
      'addresses and names with an @ or a dot',
      'replicas',
      [
        'environment.MCP_OIDC_CLIENT_ID=mcp@apps.example.com',
        'environment.MCP_AUDIT_ANCHOR=https://anchor.example.com/heads/@mcp',
        'tools.environment.JIRA_URL=https://jira.example.com:443/people/me@example.com',
        'tools.environment.ADMIN=mailto:me@example.com',
        'tools.environment.CDN=https://s.averylongnameofahostwithoutcapitals.example.com',
        'tools.environment.VAULT_UI=https://hvs.example.com',
      ],
    ],
    [
      'a login to AWS for the tools alone',
      'aws',
      ['tool.environment.AWS_PROFILE=reports', 'tool.environment.AWS_CONFIG_FILE=/etc/aws/config'],
    ],
    [
      'a role of each tier as a variable',
      'aws',
      ['form.environment.AWS_ROLE_ARN=a', 'tool.environment.AWS_ROLE_ARN=b'],
    ],
    ['Redis named as the store', 'replicas', ['environment.MCP_PENDING_STORE=redis']],
    [
      'pods of one label in each namespace',
      'replicas',
      [
        'networkPolicy.from[0].namespaceSelector.matchLabels=null',
        'networkPolicy.from[0].podSelector.matchLabels.app=a',
      ],
    ],
    ['addresses of a network', 'replicas', ['networkPolicy.from[0].ipBlock.cidr=10.0.0.0/10']],
  ])('%s', async (_, base, values) => {
    const { code, error } = await render([set(base)], values)
    expect(code, error).toBe(0)
  })
})
