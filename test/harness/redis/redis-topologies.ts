import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { freePort } from '../free-port.ts'
import { redisCommands } from './redis-commands.ts'
import { type RedisNode, startRedisNode } from './redis-server.ts'

/** A master with a replica, and three Sentinels that watch over it. */
export interface SentinelSetUp {
  readonly name: string
  /** `host:port` of each Sentinel. */
  readonly sentinels: readonly string[]
  /** The port of the master that the Sentinels name now. */
  masterPort(): Promise<number>
  /** The server on this port. */
  nodeAt(port: number): RedisNode
  remove(): Promise<void>
}

const PATIENCE = { interval: 100, timeout: 60_000 }

export async function startSentinels(): Promise<SentinelSetUp> {
  const name = 'vault'
  const master = await startRedisNode()
  const replica = await startRedisNode({ config: [`replicaof 127.0.0.1 ${master.port}`] })
  const watch = [
    `sentinel monitor ${name} 127.0.0.1 ${master.port} 2`,
    // A busy machine must not look like a dead master.
    `sentinel down-after-milliseconds ${name} 3000`,
    `sentinel failover-timeout ${name} 5000`,
  ]
  const sentinels: RedisNode[] = []
  for (let i = 0; i < 3; i += 1) sentinels.push(await startRedisNode({ sentinel: true, config: watch }))
  const [first] = sentinels as [RedisNode, ...RedisNode[]]
  const ask = async (...command: string[]) => (await redisCommands(first.port, [['SENTINEL', ...command]]))[0]
  // A fail-over needs a replica that is in step, and Sentinels that know each other.
  await vi.waitFor(async () => {
    expect(await ask('SENTINELS', name)).toHaveLength(2)
    expect(await ask('REPLICAS', name)).toHaveLength(1)
    expect(await info(master.port)).toMatch(/state=online/)
  }, PATIENCE)
  const nodes = [master, replica]
  return {
    name,
    sentinels: sentinels.map(({ port }) => `127.0.0.1:${port}`),
    async masterPort() {
      const [, port] = (await ask('GET-MASTER-ADDR-BY-NAME', name)) as unknown[]
      return Number(port)
    },
    nodeAt(port) {
      const found = nodes.find((node) => node.port === port)
      if (!found) throw new Error(`no server on port ${port}`)
      return found
    },
    async remove() {
      await Promise.all([...sentinels, ...nodes].map((node) => node.remove()))
    },
  }
}

export interface ClusterSetUp {
  /** `host:port` of each master. */
  readonly nodes: readonly string[]
  readonly masters: readonly RedisNode[]
  /** The replica of each master, in the same order. Empty without replicas. */
  readonly replicas: readonly RedisNode[]
  remove(): Promise<void>
}

const SLOTS = 16_384

/** Three masters that share the slots. With `replicas`, each has one that takes over when its master dies. */
export async function startCluster({ replicas: isReplicated = false } = {}): Promise<ClusterSetUp> {
  const masters = [await clusterNode(), await clusterNode(), await clusterNode()]
  const replicas = isReplicated ? [await clusterNode(), await clusterNode(), await clusterNode()] : []
  const nodes = [...masters, ...replicas]
  const [first, ...others] = nodes as [RedisNode, ...RedisNode[]]
  for (const [at, { port }] of masters.entries()) {
    const from = Math.floor((at * SLOTS) / 3)
    const to = Math.floor(((at + 1) * SLOTS) / 3) - 1
    await redisCommands(port, [
      ['CLUSTER', 'ADDSLOTSRANGE', String(from), String(to)],
      ['CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1)],
    ])
  }
  for (const { port, busPort } of await Promise.all(others.map(withBusPort))) {
    await redisCommands(first.port, [['CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort)]])
  }
  const known = new RegExp(`cluster_known_nodes:${nodes.length}\\b`)
  for (const { port } of nodes) {
    await vi.waitFor(async () => {
      const [state] = await redisCommands(port, [['CLUSTER', 'INFO']])
      expect(String(state)).toMatch(/cluster_state:ok/)
      expect(String(state)).toMatch(known)
    }, PATIENCE)
  }
  for (const [at, { port }] of replicas.entries()) await replicate(masters[at]?.port ?? 0, port)
  return {
    nodes: nodes.map(({ port }) => `127.0.0.1:${port}`),
    masters,
    replicas,
    async remove() {
      await Promise.all(nodes.map((node) => node.remove()))
    },
  }
}

// The bus would have the next ten thousandth port, which may be none.
async function clusterNode(): Promise<RedisNode> {
  const busPort = await freePort()
  return startRedisNode({ config: ['cluster-enabled yes', `cluster-port ${busPort}`, 'cluster-node-timeout 2000'] })
}

/** Makes `replica` the replica of `master`, and waits until it is in step. */
async function replicate(master: number, replica: number): Promise<void> {
  const [id] = await redisCommands(master, [['CLUSTER', 'MYID']])
  // Asked again, it would begin anew.
  await redisCommands(replica, [['CLUSTER', 'REPLICATE', String(id)]])
  await vi.waitFor(async () => {
    expect(await info(replica)).toMatch(/role:slave[\s\S]*master_link_status:up/)
    expect(await info(master)).toMatch(/state=online/)
  }, PATIENCE)
}

/** Whether the server on this port takes changes. False also for one that does not answer. */
export async function isMaster(port: number): Promise<boolean> {
  const replication = await info(port).catch(() => '')
  return replication.includes('role:master')
}

async function withBusPort(node: RedisNode): Promise<{ readonly port: number; readonly busPort: number }> {
  const [reply] = await redisCommands(node.port, [['CONFIG', 'GET', 'cluster-port']])
  const pair: readonly unknown[] =
    reply instanceof Map ? [...reply].flat() : Array.isArray(reply) ? reply : Object.entries(reply as object).flat()
  return { port: node.port, busPort: Number(String(pair[1])) }
}

async function info(port: number): Promise<string> {
  return String((await redisCommands(port, [['INFO', 'replication']]))[0])
}

export interface TlsSetUp {
  readonly port: number
  readonly caFile: string
  readonly node: RedisNode
}

/** A server that speaks TLS only, with a certificate for 127.0.0.1 of an authority of its own. */
export async function startTlsRedis(folder: string, config: readonly string[] = []): Promise<TlsSetUp> {
  const at = (name: string) => join(folder, name)
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=test CA',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  )
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=redis',
    '-keyout',
    at('redis.key'),
    '-out',
    at('redis.csr'),
    '-addext',
    'subjectAltName=IP:127.0.0.1',
  )
  openssl(
    'x509',
    '-req',
    '-in',
    at('redis.csr'),
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-CAcreateserial',
    '-days',
    '2',
    '-copy_extensions',
    'copy',
    '-out',
    at('redis.pem'),
  )
  const port = await freePort()
  const node = await startRedisNode({
    port: 0,
    config: [
      `tls-port ${port}`,
      `tls-cert-file ${at('redis.pem')}`,
      `tls-key-file ${at('redis.key')}`,
      `tls-ca-cert-file ${at('ca.pem')}`,
      'tls-auth-clients no',
      ...config,
    ],
  })
  return { port, caFile: at('ca.pem'), node }
}

function openssl(...given: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', given, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}
