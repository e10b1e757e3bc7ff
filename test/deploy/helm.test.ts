import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  CHART,
  checkObjects,
  deployCommand,
  ended,
  type KubernetesObject,
  render,
  yamlDocuments,
} from '../harness/deploy/deploy-tools.ts'

const SETS = readdirSync(`${CHART}/ci`).map((name) => `${CHART}/ci/${name}`)
const set = (name: string) => `${CHART}/ci/${name}-values.yaml`

async function objects(name: string, values: readonly string[] = []): Promise<KubernetesObject[]> {
  const { code, out, error } = await render([set(name)], values)
  expect(code, error).toBe(0)
  return yamlDocuments(out)
}

const ofKind = (all: readonly KubernetesObject[], kind: string): KubernetesObject[] =>
  all.filter((one) => one.kind === kind)
const podOf = (workload: KubernetesObject) => workload.spec.template.spec
const environmentOf = (workload: KubernetesObject): Record<string, string> =>
  Object.fromEntries(
    podOf(workload).containers[0].env.map(({ name, value }: { name: string; value: string }) => [name, value]),
  )

describe.each(SETS)('%s', (file) => {
  test('helm finds nothing to complain about', async () => {
    const { code, out } = await ended(deployCommand('helm'), ['lint', '--strict', CHART, '--values', file])
    expect(code, out).toBe(0)
  })

  test.each(['1.30.0', '1.37.0'])('Kubernetes %s gets objects without unknown fields', async (version) => {
    const rendered = await render([file], [], version)
    expect(rendered.code, rendered.error).toBe(0)
    const checked = await checkObjects(rendered.out)
    expect(checked.code, checked.out).toBe(0)
    expect(checked.out).toMatch(/Valid: [1-9]\d*, Invalid: 0, Errors: 0, Skipped: 0/)
  })

  test('pods have no privileges, and what they mount and name belongs together', async () => {
    const { out } = await render([file])
    const all = await yamlDocuments(out)
    const workloads = ofKind(all, 'StatefulSet')
    expect(workloads.length).toBeGreaterThan(0)
    for (const workload of workloads) {
      const pod = podOf(workload)
      const [container] = pod.containers
      expect(pod.automountServiceAccountToken).toBe(false)
      expect(pod.enableServiceLinks).toBe(false)
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        fsGroup: pod.securityContext.runAsUser,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      })
      expect(container.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      const grace = container.lifecycle.preStop.sleep.seconds + 25
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(grace)
      const volumes = [
        ...(pod.volumes ?? []),
        ...workload.spec.volumeClaimTemplates.map((one: KubernetesObject) => one.metadata),
      ]
      const mounted = container.volumeMounts.map(({ name }: { name: string }) => name)
      expect(mounted.sort()).toEqual(volumes.map(({ name }: { name: string }) => name).sort())
      // Every file that a variable names is one that a Secret brings.
      const secrets =
        (pod.volumes ?? []).find(({ name }: { name: string }) => name === 'secrets')?.projected.sources ?? []
      const files = secrets.flatMap(({ secret }: KubernetesObject) =>
        secret.items.map(({ path }: { path: string }) => `/run/secrets/mcp/${path}`),
      )
      const named = Object.values(environmentOf(workload)).filter((value) => value.startsWith('/run/secrets/mcp/'))
      expect(new Set(named)).toEqual(new Set(files))
      for (const volume of pod.volumes ?? []) expect(volume.hostPath).toBeUndefined()
    }
    const names = new Set(workloads.map(({ metadata }) => metadata.name))
    for (const kind of ['NetworkPolicy', 'Service'])
      expect(new Set(ofKind(all, kind).map(({ metadata }) => metadata.name)), kind).toEqual(names)
    const services = new Set(ofKind(all, 'Service').map(({ metadata }) => metadata.name))
    for (const ingress of ofKind(all, 'Ingress'))
      for (const path of ingress.spec.rules[0].http.paths) expect(services).toContain(path.backend.service.name)
  })
})

test('each tier has its own service account, secrets and login, and only its own', async () => {
  const all = await objects('split-tiers')
  const [form, tool] = ofKind(all, 'StatefulSet')
  expect([form.spec.replicas, tool.spec.replicas]).toEqual([2, 4])
  expect(podOf(form).containers[0].args).toContain('--tier=form')
  expect(podOf(tool).containers[0].args).toContain('--tier=tool')
  expect(podOf(form).serviceAccountName).not.toBe(podOf(tool).serviceAccountName)
  expect(ofKind(all, 'ServiceAccount')).toHaveLength(2)
  const loginOf = (workload: KubernetesObject) =>
    Object.keys(environmentOf(workload)).filter((name) => /^VAULT_(READ|WRITE)_/.test(name))
  expect(loginOf(form)).toEqual(['VAULT_WRITE_AUTH_METHOD', 'VAULT_WRITE_JWT_FILE', 'VAULT_WRITE_ROLE'])
  expect(loginOf(tool)).toEqual(['VAULT_READ_AUTH_METHOD', 'VAULT_READ_JWT_FILE', 'VAULT_READ_ROLE'])
  expect(JSON.stringify(form)).not.toContain('mcp-tool-keys')
  expect(JSON.stringify(tool)).not.toContain('mcp-form-keys')
  const ways = ofKind(all, 'Ingress').flatMap(({ spec }) =>
    spec.rules[0].http.paths.map(({ path, backend }: KubernetesObject) => [path, backend.service.name]),
  )
  expect(ways).toEqual([
    ['/mcp', tool.metadata.name],
    ['/.well-known/oauth-protected-resource', tool.metadata.name],
    ['/credentials', form.metadata.name],
  ])
})

test.each([
  ['one-process', 'environment.MCP_OIDC_CLIENT_LOGIN=true', true],
  ['split-tiers', 'environment.MCP_OIDC_CLIENT_LOGIN=true', true],
  ['one-process', 'environment.MCP_OIDC_CLIENT_LOGIN=false', false],
])('%s, %s: whether the metadata of the login of MCP clients is published', async (name, value, published) => {
  const paths = ofKind(await objects(name, [value]), 'Ingress').flatMap(({ spec }) =>
    spec.rules[0].http.paths.map(({ path }: { path: string }) => path),
  )
  expect(paths.includes('/.well-known/oauth-authorization-server')).toBe(published)
})

test('the store and the log are folders inside the volume, which the server makes for itself (F4)', async () => {
  const [workload] = ofKind(await objects('one-process'), 'StatefulSet')
  expect(environmentOf(workload)).toMatchObject({ MCP_VAULT_FOLDER: '/data/store', MCP_AUDIT_FOLDER: '/data/audit' })
  expect(podOf(workload).containers[0].volumeMounts).toContainEqual({ name: 'data', mountPath: '/data' })
})

test('a path in the base URL is part of the ingress, and the health checks are not', async () => {
  const all = await objects('replicas')
  const paths = ofKind(all, 'Ingress').flatMap(({ spec }) =>
    spec.rules[0].http.paths.map(({ path }: { path: string }) => path),
  )
  expect(paths).toEqual(['/team-a/mcp', '/.well-known/oauth-protected-resource', '/team-a/credentials'])
  const [monitor] = ofKind(all, 'ServiceMonitor')
  expect(monitor.spec.endpoints).toEqual([{ port: 'metrics', interval: '30s' }])
  expect(environmentOf(ofKind(all, 'StatefulSet')[0])).toMatchObject({
    MCP_METRICS_PORT: '9464',
    MCP_METRICS_HOST: '0.0.0.0',
  })
})

test('calls go to one replica for each client, pages to any', async () => {
  const [mcp, pages] = ofKind(await objects('one-process'), 'Ingress')
  expect(mcp.metadata.annotations).toMatchObject({
    'nginx.ingress.kubernetes.io/proxy-buffering': 'off',
    'nginx.ingress.kubernetes.io/upstream-hash-by': '$remote_addr',
  })
  expect(pages.metadata.annotations).toBeUndefined()
})

test('an older Kubernetes, which has no sleep before the end, is refused', async () => {
  const { code, error } = await render([set('one-process')], [], '1.29.0')
  expect(code).not.toBe(0)
  expect(error).toContain('kubeVersion')
})

test.each([
  ['a misspelt field', 'readOnlyRootFilesystem', 'readOnlyRootFileSystem', 'readOnlyRootFileSystem'],
  ['a misspelt field of the ServiceMonitor', 'interval: 30s', 'intervall: 30s', 'intervall'],
  ['a field of the wrong type', 'replicas: 3', 'replicas: three', 'replicas'],
  ['an unknown version', 'apiVersion: policy/v1', 'apiVersion: policy/v1beta1', 'PodDisruptionBudget'],
])('the check of objects refuses %s', async (_, right, wrong, named) => {
  const { out } = await render([set('replicas')])
  expect(out).toContain(right)
  const checked = await checkObjects(out.replace(right, wrong))
  expect(checked.code).not.toBe(0)
  expect(checked.out + checked.error).toContain(named)
})

test('the sets of values use every value that the schema has', async () => {
  const used = new Set<string>()
  for (const file of SETS) {
    const [values] = await yamlDocuments(readFileSync(file, 'utf8'))
    for (const name of namesIn(values)) used.add(name)
  }
  const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8'))
  const known = [schema, schema.definitions.tier].flatMap(({ properties }) => Object.keys(properties))
  expect(known.filter((name) => !used.has(name) && name !== 'global')).toEqual([])
})

function namesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => [name, ...namesIn(inner)])
}

test('the versions of chart and package are one', async () => {
  const [chart] = await yamlDocuments(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'))
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  expect([chart.version, chart.appVersion]).toEqual([version, version])
})
