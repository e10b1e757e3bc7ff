import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ComposeProject, imageEntrypoint } from './compose-project.ts'

export interface DockerCommand {
  /** A folder with the command `docker`. */
  readonly folder: string
  close(): Promise<void>
}

/** A command `docker` that knows `compose up`, `exec`, `run`, `stop` and `build`, and does them with the processes of a project. */
export async function dockerCommand(project: ComposeProject): Promise<DockerCommand> {
  const server = createServer(async (request, response) => {
    try {
      const words: string[] = JSON.parse(Buffer.concat(await request.toArray()).toString())
      response.end(JSON.stringify((await obey(project, words)) ?? {}))
    } catch (error) {
      response.writeHead(500).end(String(error))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const folder = join(project.folder, '.bin')
  mkdirSync(folder)
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const script = join(import.meta.dirname, 'docker.mjs')
  writeFileSync(join(folder, 'docker'), `#!/bin/sh\nDOCKER_AT=${at} exec ${process.execPath} ${script} "$@"\n`, {
    mode: 0o755,
  })
  return {
    folder,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function obey(project: ComposeProject, [first, command, ...words]: readonly string[]): Promise<unknown> {
  if (first !== 'compose') throw new Error(`docker ${first} is not known here`)
  const { pass, rest, waits } = optionsOf(words)
  const [service = '', ...own] = rest
  switch (command) {
    case 'build':
      return undefined
    case 'up':
      await up(project, rest)
      return waits ? ready(project, rest) : undefined
    case 'stop':
      return project.stop(service)
    case 'exec':
      return { ...project.commandOf(service, own), pass }
    case 'run':
      return { ...project.commandOf(service, [...imageEntrypoint(), ...own]), pass }
    default:
      throw new Error(`docker compose ${command} is not known here`)
  }
}

const FLAGS = ['--detach', '--no-TTY', '--rm', '--no-deps']

interface Options {
  /** Variables of `--env`. */
  readonly pass: string[]
  readonly rest: string[]
  readonly waits: boolean
}

function optionsOf(words: readonly string[]): Options {
  const [word = '', next = '', ...others] = words
  if (FLAGS.includes(word)) return optionsOf(words.slice(1))
  if (word === '--wait') return { ...optionsOf(words.slice(1)), waits: true }
  if (word !== '--env') return { pass: [], rest: [...words], waits: false }
  const options = optionsOf(others)
  return { ...options, pass: [next, ...options.pass] }
}

/** Waits until what the health checks of these servers ask answers well. */
async function ready(project: ComposeProject, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { test = [] } = project.services[name]?.healthcheck ?? {}
    const path = /:8005(\/\w+)/.exec(test.join(' '))?.[1] ?? '/no-health-check'
    const isReady = () => fetch(`http://127.0.0.1:${portOf(project, name)}${path}`).then(({ ok }) => ok)
    while (!(await isReady().catch(() => false))) {
      if (!project.isRunning(name)) throw new Error(`${name} ended: ${project.output(name)}`)
      await delay(50)
    }
  }
}

function portOf(project: ComposeProject, service: string): number {
  const [, port = 0] = [...project.ports].find(([address]) => address.startsWith(`${service}:`)) ?? []
  return port
}

/** What a service depends on starts before it. */
async function up(project: ComposeProject, names: readonly string[]): Promise<void> {
  for (const service of names.length > 0 ? names : Object.keys(project.services)) {
    if (project.isRunning(service)) continue
    const before = Object.keys(project.services[service].depends_on ?? {})
    if (before.length > 0) await up(project, before)
    project.start(service)
    await listens(project, service)
  }
}

async function listens(project: ComposeProject, service: string): Promise<void> {
  const port = portOf(project, service)
  const connected = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy())
    })
  while (!(await connected())) {
    if (!project.isRunning(service)) throw new Error(`${service} ended: ${project.output(service)}`)
    await delay(50)
  }
}
