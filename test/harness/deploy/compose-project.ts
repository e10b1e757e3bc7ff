import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { withAdministration } from '../../../scripts/bring-from-debian.mjs'
import { freePort } from '../free-port.ts'
import { pythonCommand } from '../processes/running-process.ts'
import { deployCommand, ended, type KubernetesObject } from './deploy-tools.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** What a service's container would run, as a process of this machine. */
export interface ServiceCommand {
  readonly command: string
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
}

export interface ComposeProject {
  /** A copy of deploy/compose, in which its scripts run. */
  readonly folder: string
  /** Where browsers and clients reach nginx. */
  readonly baseUrl: string
  /** How Compose reads the file, with the values of .env. */
  readonly services: Readonly<Record<string, KubernetesObject>>
  /** Ports on loopback of `openbao:8200`, `redis:6379` and so on. */
  readonly ports: ReadonlyMap<string, number>
  /** The command of a service, or another one with its environment, its mounts and the names of its network. */
  commandOf(service: string, words?: readonly string[]): ServiceCommand
  start(service: string): void
  stop(service: string, signal?: NodeJS.Signals): Promise<void>
  isRunning(service: string): boolean
  output(service: string): string
  remove(): Promise<void>
}

/** Addresses inside the network of the containers, each of which gets a port of this machine. */
const ADDRESSES = ['openbao:8200', 'openbao:8201', 'redis:6379', 'server-1:8005', 'server-2:8005', 'nginx:8443']

/**
 * The set-up of deploy/compose without containers: each service's own command, configuration files and variables, with the paths of its
 * volumes and the names of its network replaced by those of this machine.
 */
export async function composeProject(settings: Readonly<Record<string, string>>): Promise<ComposeProject> {
  const outside = mkdtempSync(join(tmpdir(), 'compose-'))
  const folder = join(outside, 'deploy/compose')
  cpSync(join(ROOT, 'deploy/compose'), folder, { recursive: true })
  cpSync(join(ROOT, 'docs/backends/policies'), join(outside, 'docs/backends/policies'), { recursive: true })
  cpSync(join(ROOT, 'docs/redis.md'), join(outside, 'docs/redis.md'))
  const ports = new Map<string, number>()
  for (const address of ADDRESSES) ports.set(address, await freePort())
  const baseUrl = `https://localhost:${ports.get('nginx:8443')}`
  const variables: Record<string, string> = { MCP_SERVER_BASE_URL: baseUrl, ...settings }
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  writeFileSync(join(folder, '.env'), `${lines.join('\n')}\n`)
  const { services } = withVariables(await readCompose(folder), variables)
  const running = new Map<string, { child: ChildProcess; ended: Promise<unknown>; output: () => string }>()

  /** Pairs of what a service sees and what is there on this machine; longer names first. */
  function places(service: string): [string, string][] {
    const { volumes = [], tmpfs = [] } = services[service]
    const temporary = join(outside, 'tmpfs', service)
    mkdirSync(temporary, { recursive: true })
    const mounted = volumes.map(({ source, target }: KubernetesObject) => [target, source] as [string, string])
    const inMemory = tmpfs.map((target: string) => [target, temporary] as [string, string])
    return [...mounted, ...inMemory].sort(([one], [other]) => other.length - one.length)
  }

  /** A text of a service's configuration, with this machine's paths and ports. */
  function here(service: string, text: string): string {
    const own = new Map([...ports].map(([address, port]) => [address, `127.0.0.1:${port}`]))
    const paths = new Map(places(service))
    // In one pass, since a replaced path may begin like another one.
    const inside = new RegExp(`(?<![\\w./-])(?:${[...paths.keys()].join('|') || '$^'})(?=[/";\\s]|$)`, 'g')
    let changed = text.replaceAll(inside, (path) => paths.get(path) ?? path)
    for (const [address, local] of own) changed = changed.replaceAll(address, local)
    // What it listens on itself.
    for (const [address, port] of ports) {
      const [name, inside] = address.split(':')
      if (name === service)
        changed = changed.replaceAll(
          new RegExp(`(listen |port |0\\.0\\.0\\.0:|--port=|127\\.0\\.0\\.1:)${inside}\\b`, 'g'),
          `$1${port}`,
        )
    }
    // Nothing listens beyond this machine.
    return changed
      .replaceAll('0.0.0.0', '127.0.0.1')
      .replaceAll(/^( *listen )(\d)/gm, '$1127.0.0.1:$2')
      .replaceAll(/^tls-port .*$/gm, '$&\nbind 127.0.0.1')
      .replaceAll('/dev/stdout', join(outside, `${service}.log`))
      .replaceAll('/dev/stderr', 'stderr')
  }

  /** Mounted files are read through a copy with this machine's paths. */
  function configuration(service: string, path: string): string {
    const mount = places(service).find(([inside, source]) => inside === path && statSync(source).isFile())
    if (!mount) return here(service, path)
    const copy = join(outside, 'configuration', service, path)
    mkdirSync(dirname(copy), { recursive: true })
    writeFileSync(copy, here(service, readFileSync(mount[1], 'utf8')))
    return copy
  }

  function commandOf(service: string, given?: readonly string[]): ServiceCommand {
    const { entrypoint = [], command = [], environment = {} } = services[service]
    const [first = '', ...words] =
      given ?? (entrypoint.length > 0 ? [...entrypoint, ...command] : imageWords('ENTRYPOINT', 'CMD'))
    const local = LOCAL[first] ?? [first]
    const own = Object.entries(environment).map(([name, value]) => [name, here(service, String(value))])
    const imageTools = join(
      services[service].volumes?.find(({ target }: KubernetesObject) => target === '/app/tools')?.source ?? '',
      'tools.mjs',
    )
    const adapted = words.map((word) => {
      if (word === 'tools/tools.mjs') return imageTools
      const [, option = '', path] = /^(-config=)?(\/.*)$/.exec(word) ?? []
      return path === undefined ? here(service, word) : option + configuration(service, path)
    })
    return {
      command: local[0] ?? first,
      words: [...local.slice(1), ...adapted],
      environment: { PATH: withAdministration(process.env)['PATH'], HOME: outside, ...Object.fromEntries(own) },
    }
  }

  // What the image adds: node_modules beside the tools.
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(ROOT, join(folder, 'node_modules/mcp-credential-vault'))

  const project: ComposeProject = {
    folder,
    baseUrl,
    services,
    ports,
    commandOf,
    start(service) {
      const { command, words, environment } = commandOf(service)
      const child = spawn(command, words, { env: environment, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
      let output = ''
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk) => {
          output = (output + chunk).slice(-100_000)
        })
      child.on('error', (error) => {
        output += error.message
      })
      running.set(service, { child, output: () => output, ended: new Promise((done) => child.once('close', done)) })
    },
    isRunning(service) {
      const child = running.get(service)?.child
      return child !== undefined && child.exitCode === null && child.signalCode === null
    },
    async stop(service, signal = 'SIGTERM') {
      const process = running.get(service)
      process?.child.kill(signal)
      await process?.ended
      running.delete(service)
    },
    output(service) {
      const log = join(outside, `${service}.log`)
      const file = statSync(log, { throwIfNoEntry: false }) ? readFileSync(log, 'utf8') : ''
      return file + (running.get(service)?.output() ?? '')
    },
    async remove() {
      // nginx ends its workers only if it is asked to.
      await Promise.all([...running.keys()].map((name) => project.stop(name, name === 'nginx' ? 'SIGTERM' : 'SIGKILL')))
      rmSync(outside, { recursive: true, force: true })
    },
  }
  return project
}

/** Commands of the images, as this machine has them. */
const LOCAL: Readonly<Record<string, readonly string[]>> = {
  bao: [pythonCommand('bao')],
  'mcp-credential-vault': [process.execPath, join(ROOT, 'dist/cli/main.js')],
  node: [process.execPath],
}

/** The words of an instruction of deploy/Dockerfile. */
function imageWords(...instructions: readonly string[]): string[] {
  const text = readFileSync(join(ROOT, 'deploy/Dockerfile'), 'utf8')
  const wordsOf = (name: string) => JSON.parse(new RegExp(`^${name} (\\[.*\\])$`, 'm').exec(text)?.[1] ?? '[]')
  return instructions.flatMap(wordsOf)
}

export const imageEntrypoint = () => imageWords('ENTRYPOINT')

/** The file as Compose's own reader understands it; it refuses unknown names. */
export async function readCompose(folder: string): Promise<KubernetesObject> {
  const { code, out, error } = await ended(
    deployCommand('compose-spec'),
    ['--format=json', '--no-interpolation', 'compose.yaml'],
    '',
    folder,
  )
  if (code !== 0) throw new Error(error)
  return JSON.parse(out)
}

/** Fills in `${NAME}`, `${NAME:-default}` and `${NAME:?message}`. */
function withVariables(file: KubernetesObject, variables: Readonly<Record<string, string>>): KubernetesObject {
  const text = JSON.stringify(file).replace(
    /\$\{(\w+)(?::([-?])([^}]*))?\}/g,
    (_, name: string, kind?: string, rest?: string) => {
      const value = variables[name]
      if (value !== undefined) return JSON.stringify(value).slice(1, -1)
      if (kind === '-') return rest ?? ''
      throw new Error(rest)
    },
  )
  return JSON.parse(text)
}
