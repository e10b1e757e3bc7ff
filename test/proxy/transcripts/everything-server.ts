import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { freePort } from '../../harness/free-port.ts'

/** The published server, as it is. */
export const EVERYTHING_SERVER = resolve('node_modules/@modelcontextprotocol/server-everything/dist/index.js')

export interface EverythingServer {
  readonly url: string
  close(): Promise<void>
}

export async function startEverythingServer(): Promise<EverythingServer> {
  const port = await freePort()
  const child = spawn(process.execPath, [EVERYTHING_SERVER, 'streamableHttp'], {
    env: { PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let output = ''
  await new Promise<void>((done, failed) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.includes('listening on port')) done()
    })
    child.once('exit', () => failed(new Error(`the server ended: ${output}`)))
  })
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async close() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}
