import { once } from 'node:events'
import { createServer } from 'node:net'

export interface Ports {
  readonly server: number
  readonly tickets: number
  readonly identity: number
}

const VARIABLES = {
  server: { variable: 'EXAMPLE_SERVER_PORT', usual: 8005 },
  tickets: { variable: 'EXAMPLE_TICKETS_PORT', usual: 8006 },
  identity: { variable: 'EXAMPLE_IDENTITY_PORT', usual: 8007 },
} as const satisfies Record<keyof Ports, { variable: string; usual: number }>

/** @throws Error that names the variable of a port that is none, or that is given twice */
export function portsFrom(environment: NodeJS.ProcessEnv): Ports {
  const port = (name: keyof Ports) => {
    const { variable, usual } = VARIABLES[name]
    const text = environment[variable] || String(usual)
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
    throw new Error(`${variable} is a port from 0 to 65535; 0 takes any free one.`)
  }
  const ports = { server: port('server'), tickets: port('tickets'), identity: port('identity') }
  const fixed = Object.values(ports).filter((one) => one !== 0)
  if (new Set(fixed).size < fixed.length)
    throw new Error(
      `${Object.values(VARIABLES)
        .map(({ variable }) => variable)
        .join(', ')}: give each a port of its own.`,
    )
  return ports
}

/** One line for each port that cannot be listened on, and how to take free ones; undefined when all can be. */
export async function portProblems(ports: Ports): Promise<string | undefined> {
  const tried = await Promise.all(Object.values(ports).map(listenError))
  const problems = tried.flatMap((error) => portProblem(error, ports) ?? [])
  if (problems.length < 2) return problems[0]
  const all = Object.values(VARIABLES).map(({ variable }) => `${variable}=0`)
  return `${problems.join('\n')}\nFor any free ones: ${all.join(' ')} npm start`
}

async function listenError(port: number): Promise<unknown> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return undefined
  } catch (error) {
    return error
  } finally {
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
}

/** One line about a port that cannot be listened on, with the variable to set; undefined for any other error. */
export function portProblem(error: unknown, ports: Ports): string | undefined {
  if (!isListenError(error)) return undefined
  const { code, port } = error
  const name = (['server', 'tickets', 'identity'] as const).find((candidate) => ports[candidate] === port)
  const why = code === 'EADDRINUSE' ? 'is used by another program' : `cannot be listened on (${code})`
  return `Port ${port} ${why}. Set ${VARIABLES[name ?? 'server'].variable} to another one, or to 0 for any free one.`
}

function isListenError(error: unknown): error is NodeJS.ErrnoException & { readonly port: number } {
  return error instanceof Error && 'syscall' in error && error.syscall === 'listen' && 'port' in error
}
