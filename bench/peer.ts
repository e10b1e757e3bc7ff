import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { httpBrowser } from '../examples/tickets/http-browser.ts'
import { freePort } from '../test/harness/free-port.ts'
import { type MeasuredServer, sessionsOf } from './measured-server.ts'

const FOLDER = fileURLToPath(new URL('../.cache/peer', import.meta.url))
const PACKAGES = ['mcp-authkit[redis]==0.3.0', 'uvloop', 'httptools', 'uvicorn']

/** The published mcp-authkit in a scratch environment, with the tokens and users of the server that it is compared with. */
export async function startPeer({ issuer, users }: MeasuredServer): Promise<MeasuredServer> {
  installPeer()
  const port = await freePort()
  const script = fileURLToPath(new URL('./peer_server.py', import.meta.url))
  const child = spawn(`${FOLDER}/bin/python`, [script, String(port), issuer, String(users.length)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', () => reject(new Error('The peer did not start.')))
  })
  const baseUrl = `http://localhost:${port}`
  await answering(baseUrl)
  const control = async (path: string): Promise<{ url?: string }> =>
    (await (await fetch(`${baseUrl}/bench/${path}`)).json()) as { url?: string }
  return {
    issuer,
    users,
    sessions: await sessionsOf({ baseUrl, users }),
    forget: async (user) => void (await control(`forget?sub=${user}`)),
    ask: async (user) => (await control(`ask?sub=${user}`)).url ?? '',
    // Whoever has the link may fill in its form.
    browserOf: async () => httpBrowser(),
    cpu: async () => undefined,
    close: () => void child.kill('SIGKILL'),
  }
}

function installPeer(): void {
  if (existsSync(`${FOLDER}/bin/uvicorn`)) return
  const steps = [
    ['python3', '-m', 'venv', FOLDER],
    [`${FOLDER}/bin/pip`, 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES],
  ] as const
  for (const [command, ...parameters] of steps) {
    const { status } = spawnSync(command, parameters, { stdio: ['ignore', 'inherit', 'inherit'] })
    if (status !== 0) throw new Error(`The peer cannot be installed. Try: ${command} ${parameters.join(' ')}`)
  }
}

async function answering(baseUrl: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await fetch(`${baseUrl}/bench/ask?sub=nobody`).catch(() => undefined)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('The peer does not answer.')
}
