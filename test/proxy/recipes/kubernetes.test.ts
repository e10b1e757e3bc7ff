import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHttpsHost } from '../../harness/https-host.ts'
import { describeRecipe, type RecipeWorld } from '../../harness/proxy/recipes/describe-recipe.ts'

const TOKENS = { alice: 'kube-token-alice-5f2b9c7d', bob: 'kube-token-bob-8a3c6e0f4d' } as const

/** The Kubernetes API, as far as a list of namespaces goes: each person sees their own. */
async function start(): Promise<RecipeWorld> {
  const done: string[] = []
  const host = await startHttpsHost((request, response) => {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    const who = Object.entries(TOKENS).find(([, known]) => known === token)?.[0]
    const { pathname } = new URL(request.url ?? '/', 'https://cluster')
    const body = who === undefined ? undefined : answerOf(pathname, who)
    if (who !== undefined) done.push(who)
    const status = who === undefined ? 401 : body === undefined ? 404 : 200
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify(body ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: status }))
  })
  const folder = mkdtempSync(join(tmpdir(), 'kubernetes-'))
  writeFileSync(join(folder, 'ca.crt'), host.ca)
  return {
    replaced: {
      'kubernetes.example.com:6443': host.host.replace('clients.example.com', '127.0.0.1'),
      '/etc/kubernetes/pki/ca.crt': join(folder, 'ca.crt'),
    },
    values: { alice: { token: TOKENS.alice }, bob: { token: TOKENS.bob } },
    done: () => done,
    async close() {
      await host.close()
      rmSync(folder, { recursive: true })
    },
  }
}

const namespaces = { name: 'namespaces', singularName: 'namespace', namespaced: false, kind: 'Namespace' }

function answerOf(path: string, who: string): unknown {
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] }
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: [] }
  if (path === '/api/v1')
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: 'v1',
      resources: [{ ...namespaces, verbs: ['get', 'list'] }],
    }
  // The client asks for a table.
  if (path === '/api/v1/namespaces')
    return {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: {},
      columnDefinitions: [{ name: 'Name', type: 'string', format: 'name', description: '', priority: 0 }],
      rows: [
        {
          cells: [`home-of-${who}`],
          object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: `home-of-${who}` } },
        },
      ],
    }
  return undefined
}

describeRecipe({
  heading: 'Kubernetes',
  provider: 'kubernetes',
  tool: 'namespaces_list',
  answerOf: (user) => `home-of-${user}`,
  start,
})
