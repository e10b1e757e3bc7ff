import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { type RunningProcess, startProcess } from '../processes/running-process.ts'

export interface RedisNode {
  readonly port: number
  readonly folder: string
  readonly process: RunningProcess
  /** Starts it again on its port and folder after it was stopped. */
  restart(): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Stops it and removes its folder. */
  remove(): Promise<void>
}

export interface RedisNodeOptions {
  /** Lines of redis.conf. */
  readonly config?: readonly string[]
  /** Run as a Sentinel. */
  readonly sentinel?: boolean
  readonly port?: number
}

/** Starts redis-server on loopback with nothing saved to disk, unless the lines say otherwise. */
export async function startRedisNode({
  config = [],
  sentinel = false,
  port: given,
}: RedisNodeOptions = {}): Promise<RedisNode> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'))
  const port = given ?? (await freePort())
  const file = join(folder, 'redis.conf')
  const own = sentinel ? [] : ['save ""', 'appendonly no']
  writeFileSync(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, ...own, ...config, ''].join('\n'))
  const start = () =>
    startProcess('redis-server', [file, ...(sentinel ? ['--sentinel'] : [])], {}, () => isUp(portOf(config) ?? port))
  let running = await start()
  return {
    port,
    folder,
    get process() {
      return running
    },
    async restart() {
      running = await start()
    },
    stop: (signal) => running.stop(signal),
    async remove() {
      await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A server that speaks TLS only has another port. */
function portOf(config: readonly string[]): number | undefined {
  const [, port] = config.map((line) => /^tls-port (\d+)$/.exec(line)).find((found) => found) ?? []
  return port === undefined ? undefined : Number(port)
}

function isUp(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', reject)
  })
}
