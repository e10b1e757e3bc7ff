import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { environmentVariables } from '../../src/vault/environment/known-variables.ts'
import { CHART, render, yamlDocuments } from '../harness/deploy/deploy-tools.ts'

const set = (name: string) => `${CHART}/ci/${name}-values.yaml`
const SECRET = 'mcv1_Zm9yZ2VkLWtleS1vZi10aGlzLXRlc3Q'

async function refused(base: string, values: readonly string[], message: RegExp): Promise<void> {
  const { code, error } = await render([set(base)], values)
  expect(code).not.toBe(0)
  expect(error).toMatch(message)
  expect(error).not.toContain(SECRET)
}

describe('the lists of the chart', () => {
  // After a new variable: npx vitest run test/deploy/helm-refusals.test.ts -u
  test('the chart knows the variables that the server reads, and no other', async () => {
    await expect(`${[...environmentVariables].sort().join('\n')}\n`).toMatchFileSnapshot(`../../${CHART}/variables.txt`)
  })

  test('variables of both tiers are known ones', () => {
    const names = readFileSync(`${CHART}/variables-of-both-tiers.txt`, 'utf8').trim().split('\n')
    expect(names.length).toBeGreaterThan(10)
    expect(names.filter((name) => !environmentVariables.has(name))).toEqual([])
  })

  test('the defaults of a tier are those of values.yaml', async () => {
    const [defaults] = await yamlDocuments(readFileSync(`${CHART}/tier-defaults.yaml`, 'utf8'))
    const [{ all, form, tool }] = await yamlDocuments(readFileSync(`${CHART}/values.yaml`, 'utf8'))
    expect([all, form, tool]).toEqual([defaults, defaults, defaults])
  })
})

const REPLICAS = ['all.replicas=2', 'backend=vault']
const VAULT = ['backend=vault', 'environment.VAULT_ADDR=https://vault.example.com:8200']
describe('values of one process', () => {
  test.each([
    ['a mistyped name', ['all.replica=2'], /replica/],
    ['a mistyped name of a variable', ['environment.mcp_oidc_issuer=x'], /mcp_oidc_issuer/],
    ['a base URL without TLS', ['serverBaseUrl=http://mcp.example.com'], /serverBaseUrl/],
    ['a base URL with a query', ['serverBaseUrl=https://mcp.example.com/?a=b'], /serverBaseUrl/],
    ['no image', ['image.repository='], /image/],
    ['a module outside the folder', ['tools.module=../tools.mjs'], /module/],
    ['a module outside the folder, further down', ['tools.module=a/../../tools.mjs'], /module/],
    ['root', ['userId=0'], /userId/],
    ['a grace period that cuts the shutdown short', ['terminationGracePeriodSeconds=10'], /terminationGracePeriod/],
    ['a network policy that admits everybody', ['networkPolicy.from=null'], /from/],
    ['metrics on the port of the pages', ['metrics.port=8005'], /port/],
    ['a text for a number', ['all.replicas=three'], /\/all\/replicas.*want integer/],
    ['a list for a value', ['environment.MCP_OIDC_ISSUER={a,b}'], /\/environment\/MCP_OIDC_ISSUER/],
    ['replicas of a sealed file', ['all.replicas=2'], /sealed file is for one process/],
    ['replicas without Redis', REPLICAS, /share links and sessions in Redis/],
    ['replicas without a web key', [...REPLICAS, 'environment.MCP_REDIS_URL=rediss://redis:6379'], /one web key/],
    ['a variable that the chart sets', ['environment.MCP_AUDIT_FOLDER=/elsewhere'], /the chart sets it/],
    ['no issuer', ['environment.MCP_OIDC_ISSUER='], /environment\.MCP_OIDC_ISSUER: set it/],
    ['an empty client id', ['environment.MCP_OIDC_CLIENT_ID='], /environment\.MCP_OIDC_CLIENT_ID: set it/],
    ['Vault without an address', ['backend=vault'], /environment\.VAULT_ADDR: backend is vault\. Set it/],
    ['a sealed file without its key', ['secretFiles=null'], /Add MCP_VAULT_KEY_FILE/],
    ['a log that nobody can verify', [...VAULT, 'secretFiles=null'], /Add MCP_AUDIT_KEY_FILE/],
    [
      'an ingress whose users share a rate limit',
      ['environment.MCP_TRUSTED_PROXIES=0'],
      /MCP_TRUSTED_PROXIES: .*Set it to the number of proxies/,
    ],
  ])('%s is refused', (_, values, message) => refused('one-process', values, message))
})

const BY_ITS_NAME = /tools\.environment\.[A-Z_]+: by its name, .*tools\.secretFiles.*e\.g\. [A-Z_]+_FILE/
const fileOfTools = (variable: string) =>
  Object.entries({ variable, secret: 'jira', key: 'secret' }).map(
    ([name, value]) => `tools.secretFiles[0].${name}=${value}`,
  )

describe('variables', () => {
  test.each([
    [
      'a mistyped one',
      ['environment.MCP_OIDC_ISUER=x'],
      /environment\.MCP_OIDC_ISUER: .*Correct its name to MCP_OIDC_ISSUER, or move it to tools\.environment/,
    ],
    ['one with a letter too many', ['environment.MCP_OIDC_ISSSUER=x'], /Correct its name to MCP_OIDC_ISSUER, or/],
    ['one with another letter', ['environment.MCP_OIDC_ISZUER=x'], /Correct its name to MCP_OIDC_ISSUER, or/],
    ['one with swapped letters', ['environment.MCP_OICD_CLIENT_ID=x'], /Correct its name to MCP_OIDC_CLIENT_ID, or/],
    ['one that is cut off', ['environment.MCP_REDIS_UR=x'], /Correct its name to MCP_REDIS_URL, or/],
    ['one without an underscore', ['environment.MCP_REDISURL=x'], /Correct its name to MCP_REDIS_URL, or/],
    [
      'one that resembles none',
      ['environment.MCP_REDIS=x'],
      /Correct its name: docs\/configuration\.md lists those that it reads, or/,
    ],
    ["a mistyped one of a tier's", ['all.environment.MCP_CACHE_SECOND=5'], /all\.environment\.MCP_CACHE_SECOND: /],
    ["another program's", ['environment.JIRA_URL=x'], /environment\.JIRA_URL: .*tools\.environment/],
    ["the server's among the tools'", ['tools.environment.MCP_CACHE_SECONDS=5'], /Move it to environment/],
    [
      'a key',
      [`environment.MCP_VAULT_KEY=${SECRET}`],
      /environment\.MCP_VAULT_KEY: .*Put it into a Secret, and name that in secretFiles with the variable MCP_VAULT_KEY_FILE/,
    ],
    [
      "a login's secret of a tier",
      [`all.environment.VAULT_WRITE_SECRET_ID=${SECRET}`],
      /all\.environment\.VAULT_WRITE_SECRET_ID: .*all\.secretFiles with the variable VAULT_WRITE_SECRET_ID_FILE/,
    ],
    [
      'a secret that only a file may hold',
      ['environment.MCP_OIDC_CLIENT_SECRET=x'],
      /with the variable MCP_OIDC_CLIENT_SECRET_FILE/,
    ],
    ['an access key of AWS', ['environment.AWS_SECRET_ACCESS_KEY=x'], /serviceAccount\.annotations/],
    ['a key in the place of its path', [`environment.MCP_WEB_KEY_FILE=${SECRET}`], /the value is a secret itself/],
    ["a key among the tools'", [`tools.environment.API_KEY=${SECRET}`], /tools\.environment\.API_KEY: the value is a/],
    [
      'a password in an address',
      [`environment.MCP_REDIS_URL=rediss://mcp:${SECRET.slice(5)}@redis:6379`],
      /MCP_REDIS_URL: the address contains a password.*MCP_REDIS_PASSWORD_FILE/,
    ],
    ["a token among the tools'", ['tools.environment.JIRA_TOKEN=x'], BY_ITS_NAME],
    ["a password among the tools'", ['tools.environment.DB_PASSWORD=x'], BY_ITS_NAME],
    ["an API key among the tools'", ['tools.environment.JIRA_API_KEY=x'], BY_ITS_NAME],
    ["a secret among the tools', by one word", ['tools.environment.SECRET=x'], BY_ITS_NAME],
    [
      "a tool's file among the server's",
      ['secretFiles[0].variable=JIRA_CLIENT_SECRET_FILE'],
      /does not read the variable JIRA_CLIENT_SECRET_FILE\. .*move it to tools\.secretFiles/,
    ],
    [
      "the server's file among the tools'",
      fileOfTools('MCP_WEB_KEY_FILE'),
      /tools\.secretFiles: .*MCP_WEB_KEY_FILE\. Move it to secretFiles/,
    ],
    ['a local user', ['environment.MCP_LOCAL_USER=me'], /MCP_LOCAL_USER: .*set MCP_OIDC_ISSUER/],
    ['TLS without checks', ['environment.NODE_TLS_REJECT_UNAUTHORIZED=0'], /NODE_EXTRA_CA_CERTS/],
    [
      'those of another backend',
      VAULT.slice(1),
      /environment\.VAULT_ADDR: backend is sealed-file.*Set backend to vault/,
    ],
    ['those of AWS for Vault', [...VAULT, 'environment.MCP_AWS_PREFIX=x'], /Set backend to aws-secrets-manager/],
    [
      'a mistyped one of a file',
      ['secretFiles[0].variable=MCP_VUALT_KEY_FILE'],
      /secretFiles: .*MCP_VUALT_KEY_FILE\. Correct/,
    ],
    ['one that takes no path', ['secretFiles[0].variable=MCP_VAULT_KEY'], /Use the variable MCP_VAULT_KEY_FILE/],
    ['a path for a plain value', ['secretFiles[0].variable=MCP_OIDC_ISSUER'], /Set it in environment/],
    [
      'one file given twice',
      ['all.secretFiles[0].variable=MCP_VAULT_KEY_FILE', 'all.secretFiles[0].secret=other', 'all.secretFiles[0].key=k'],
      /MCP_VAULT_KEY_FILE is given twice/,
    ],
  ])('%s: refused', (_, values, message) => refused('one-process', values, message))

  test("a file of the tools' reaches every tier, with its path in the variable", async () => {
    const { code, out, error } = await render([set('split-tiers')], fileOfTools('JIRA_CLIENT_SECRET_FILE'))
    expect(code, error).toBe(0)
    const workloads = (await yamlDocuments(out)).filter(({ kind }) => kind === 'StatefulSet')
    expect(workloads).toHaveLength(2)
    for (const { spec } of workloads) {
      const { containers, volumes } = spec.template.spec
      const path = '/run/secrets/mcp/jira/secret'
      expect(containers[0].env).toContainEqual({ name: 'JIRA_CLIENT_SECRET_FILE', value: path })
      const [{ projected }] = volumes.filter(({ name }: { name: string }) => name === 'secrets')
      const item = { name: 'jira', items: [{ key: 'secret', path: 'jira/secret' }] }
      expect(projected.sources).toContainEqual({ secret: item })
    }
  })

  test("a key of one tier is not mounted in both as a file of the tools'", () =>
    refused(
      'split-tiers',
      [
        'tools.secretFiles[0].variable=JIRA_FILE',
        'tools.secretFiles[0].secret=mcp-tool-keys',
        'tools.secretFiles[0].key=audit.key',
      ],
      /secretFiles: key audit\.key of Secret mcp-tool-keys is given twice to tier tool/,
    ))

  test('names that only contain such a word are no secrets', async () => {
    const values = ['JIRA_TOKEN_URL=https://jira.example.com', 'MONKEY=1', 'KEYS_PER_PAGE=5', 'JIRA_PROJECT_KEY=ABC']
    const { code, error } = await render(
      [set('one-process')],
      values.map((value) => `tools.environment.${value}`),
    )
    expect(code, error).toBe(0)
  })

  test('an emptied block of the token is none, and one that the chart needs is named', async () => {
    const { code, error } = await render([set('one-process')], ['all.serviceAccountToken=null'])
    expect(code, error).toBe(0)
    await refused('one-process', ['all.serviceAccount=null'], /at '\/all': missing property 'serviceAccount'/)
    await refused('one-process', ['tools=null'], /missing property 'tools'/)
  })

  test("the tools' own variables reach every tier, and a tier's 0 and false win", async () => {
    const both = ['tools.environment.JIRA_URL=https://jira.example.com', 'environment.MCP_HSTS_INCLUDE_SUBDOMAINS=true']
    const values = [...both, 'form.environment.MCP_HSTS_INCLUDE_SUBDOMAINS=false']
    const { code, out, error } = await render(
      [set('split-tiers')],
      [...values, 'form.environment.MCP_TRUSTED_PROXIES=3'],
    )
    expect(code, error).toBe(0)
    const workloads = (await yamlDocuments(out)).filter(({ kind }) => kind === 'StatefulSet')
    const seen = workloads.map(({ spec }) =>
      Object.fromEntries(
        spec.template.spec.containers[0].env.map(({ name, value }: { name: string; value: string }) => [name, value]),
      ),
    )
    expect(seen).toMatchObject([
      { JIRA_URL: 'https://jira.example.com', MCP_HSTS_INCLUDE_SUBDOMAINS: 'false', MCP_TRUSTED_PROXIES: '3' },
      { JIRA_URL: 'https://jira.example.com', MCP_HSTS_INCLUDE_SUBDOMAINS: 'true', MCP_TRUSTED_PROXIES: '1' },
    ])
  })
})

describe('blocks that nothing reads', () => {
  test.each([
    [
      'a tier of two, with one process',
      'one-process',
      ['form.replicas=2'],
      /^.*form: tiers is all.*Set tiers to split/m,
    ],
    [
      'the one process, with two tiers',
      'split-tiers',
      ['all.replicas=2'],
      /all: tiers is split.*Move its values to form/,
    ],
    [
      'a ServiceMonitor without metrics',
      'one-process',
      ['metrics.serviceMonitor.enabled=true'],
      /Set metrics\.enabled/,
    ],
    [
      'peers of metrics that are off',
      'one-process',
      ['networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus'],
      /networkPolicy\.metricsFrom: there are no metrics/,
    ],
    ['a certificate without an ingress', 'one-process', ['ingress.enabled=false'], /ingress\.tlsSecret: there is no/],
  ])('%s: refused', (_, base, values, message) => refused(base, values, message))
})

describe('network policy', () => {
  test.each([
    ['every address', ['networkPolicy.from[0].ipBlock.cidr=0.0.0.0/0'], /networkPolicy\.from: a peer admits everybody/],
    ['every namespace', ['networkPolicy.metricsFrom[0].namespaceSelector=null'], /metricsFrom/],
    ['metrics that nobody may scrape', ['networkPolicy.metricsFrom=null'], /metricsFrom: .*Prometheus/],
    ["Redis's port", ['environment.MCP_REDIS_URL=rediss://redis:6380'], /the port of MCP_REDIS_URL, 6380, is not/],
    ["Vault's port", ['networkPolicy.egressPorts={443,6379}'], /the port of VAULT_ADDR, 8200/],
    ["the identity provider's port", ['environment.MCP_OIDC_ISSUER=https://login:8443/realm'], /MCP_OIDC_ISSUER, 8443/],
  ])('%s is refused', (_, values, message) => refused('replicas', values, message))

  test('pods are reached by the ingress controller and Prometheus alone, each at its port', async () => {
    const { out } = await render([set('replicas')])
    const [policy] = (await yamlDocuments(out)).filter(({ kind }) => kind === 'NetworkPolicy')
    const namespace = (name: string) => [
      { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } } },
    ]
    expect(policy.spec.policyTypes).toEqual(['Ingress', 'Egress'])
    expect(policy.spec.ingress).toEqual([
      { from: namespace('ingress-nginx'), ports: [{ protocol: 'TCP', port: 'http' }] },
      { from: namespace('monitoring'), ports: [{ protocol: 'TCP', port: 'metrics' }] },
    ])
    const [names, services] = policy.spec.egress
    expect(names).toEqual({ ports: [53, 53].map((port, at) => ({ protocol: at === 0 ? 'UDP' : 'TCP', port })) })
    expect(services.ports.map(({ port }: { port: number }) => port)).toEqual([443, 8200, 6379])
    expect(services.to.flatMap(({ ipBlock }: { ipBlock: { except: string[] } }) => ipBlock.except)).toContain(
      '169.254.0.0/16',
    )
  })

  test("rules of the operator's own are taken as they are", async () => {
    const own = ['networkPolicy.egressPorts=null', 'networkPolicy.egress[0].to[0].podSelector.matchLabels.app=redis']
    const { code, out, error } = await render([set('replicas')], own)
    expect(code, error).toBe(0)
    const [policy] = (await yamlDocuments(out)).filter(({ kind }) => kind === 'NetworkPolicy')
    expect(policy.spec.egress.slice(1)).toEqual([{ to: [{ podSelector: { matchLabels: { app: 'redis' } } }] }])
  })
})
