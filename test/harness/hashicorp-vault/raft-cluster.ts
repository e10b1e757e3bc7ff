import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '../free-port.ts'
import { pythonCommand, type RunningProcess, startProcess } from '../processes/running-process.ts'
import { apiOf, type OpenBao } from './open-bao.ts'

interface Node {
  readonly address: string
  readonly process: RunningProcess
}

/** Three OpenBao servers on loopback that share their data by raft. */
export interface RaftCluster {
  readonly addresses: readonly string[]
  readonly rootToken: string
  /** Through any node that answers. */
  api: OpenBao['api']
  /** The node that leads now. */
  leader(): Promise<Node>
  stop(): Promise<void>
}

export async function startRaftCluster(): Promise<RaftCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'raft-'))
  const ports = [await freePort(), await freePort(), await freePort()]
  const clusterPorts = [await freePort(), await freePort(), await freePort()]
  const addresses = ports.map((port) => `http://127.0.0.1:${port}`)
  const [first = ''] = addresses

  const nodes: Node[] = []
  for (const [index, address] of addresses.entries()) {
    const path = join(folder, `node-${index}`)
    mkdirSync(path)
    writeFileSync(
      join(path, 'bao.hcl'),
      `storage "raft" {
  path = "${path}"
  node_id = "node-${index}"
  performance_multiplier = 1
  retry_join { leader_api_addr = "${first}" }
}
listener "tcp" {
  address = "127.0.0.1:${ports[index]}"
  cluster_address = "127.0.0.1:${clusterPorts[index]}"
  tls_disable = true
}
api_addr = "${address}"
cluster_addr = "https://127.0.0.1:${clusterPorts[index]}"
disable_mlock = true
`,
    )
    const answers = async () => (await fetch(`${address}/v1/sys/seal-status`)).ok
    const command = process.env['VAULT_BIN'] ?? pythonCommand('bao')
    nodes.push({
      address,
      process: await startProcess(command, ['server', `-config=${join(path, 'bao.hcl')}`], {}, answers),
    })
  }

  const raw = async (address: string, path: string, body: unknown) => {
    const answer = await fetch(`${address}/v1/${path}`, { method: 'PUT', body: JSON.stringify(body) })
    return (await answer.json()) as { keys?: string[]; root_token?: string; sealed?: boolean }
  }
  const { keys = [], root_token: rootToken = '' } = await raw(first, 'sys/init', {
    secret_shares: 1,
    secret_threshold: 1,
  })
  for (const address of addresses) {
    // A node joins first, and can be unsealed only then.
    for (let attempt = 0; attempt < 200; attempt += 1) {
      if ((await raw(address, 'sys/unseal', { key: keys[0] })).sealed === false) break
      await delay(100)
    }
  }

  const api: RaftCluster['api'] = async (...request) => {
    let failure: unknown
    for (let attempt = 0; attempt < 100; attempt += 1) {
      for (const address of addresses) {
        try {
          return await apiOf(address, rootToken)(...request)
        } catch (error) {
          failure = error
        }
      }
      await delay(100)
    }
    throw failure
  }

  const voters = async () => {
    const { body } = await api('GET', 'sys/storage/raft/configuration')
    return (body.data.config.servers as { voter: boolean }[]).filter(({ voter }) => voter).length
  }
  while ((await voters()) < nodes.length) await delay(200)

  return {
    addresses,
    rootToken,
    api,
    async leader() {
      for (const node of nodes) {
        const status = await fetch(`${node.address}/v1/sys/leader`).then(
          (answer) => answer.json() as Promise<{ is_self?: boolean }>,
          () => undefined,
        )
        if (status?.is_self) return node
      }
      throw new Error('no node leads')
    },
    async stop() {
      await Promise.all(nodes.map(({ process }) => process.stop()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
