import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { removeQuietly } from './files/durable-file.ts'

/** Lets servers of one store detect each other. */
export interface ServerPresence {
  /** Whether another server with the same address runs. */
  readonly others: boolean
  close(): Promise<void>
}

/** Bytes of a socket's path that every system accepts; Linux accepts 107, macOS 103. */
const LONGEST_PATH = 100
/** A socket younger than this that does not answer may not listen yet. */
const NEW_MILLISECONDS = 10_000

/**
 * Opens a listening socket in the store's folder, named after the server's address. The kernel closes it when the process ends, so a
 * crashed server does not count. It also works across containers on one machine, where process ids mean nothing. Commands of the command
 * line open no socket, since they are no servers.
 *
 * @returns undefined when the file system has no sockets or the path is too long, so that other servers cannot be detected
 */
export async function announceServer(root: string, serverBaseUrl: string): Promise<ServerPresence | undefined> {
  const folder = join(root, 'servers')
  const prefix = `${createHash('sha256').update(serverBaseUrl).digest('hex').slice(0, 8)}-`
  const own = prefix + randomBytes(4).toString('hex')
  if (Buffer.byteLength(join(folder, own)) > LONGEST_PATH) return undefined
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    // Listen first, so that of two servers starting at once at least one sees the other.
    const close = await listen(join(folder, own))
    const names = (await readdir(folder)).filter((name) => name.startsWith(prefix) && name !== own)
    const answers = await Promise.all(names.map((name) => isAlive(join(folder, name))))
    return { others: answers.includes(true), close }
  } catch {
    return undefined
  }
}

async function listen(path: string): Promise<() => Promise<void>> {
  const server = createServer((socket) => socket.destroy())
  server.unref()
  // Workers of one cluster would otherwise share the socket.
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ path, exclusive: true }, resolve))
  // Closing the server removes the socket's file.
  return () => new Promise((resolve) => server.close(() => resolve()))
}

async function isAlive(path: string): Promise<boolean> {
  const answered = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    const done = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })
  if (!answered) await removeOld(path)
  return answered
}

async function removeOld(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isSocket() && Date.now() - found.mtimeMs > NEW_MILLISECONDS) await removeQuietly(path)
}
