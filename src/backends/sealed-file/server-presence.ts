import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { OtherServer } from '../../core/ports/secret-backend.ts'
import { removeQuietly } from './files/durable-file.ts'

/** Lets servers of one store detect each other. */
export interface ServerPresence {
  /** The servers with the same address that were running at the start of this one. */
  readonly others: readonly OtherServer[]
  close(): Promise<void>
}

/** Bytes of a socket's path that every system accepts; Linux accepts 107, macOS 103. */
const LONGEST_PATH = 100
/** A socket younger than this that does not answer may not listen yet. */
const NEW_MILLISECONDS = 10_000
/** Milliseconds within which a server says when it started. */
const ANSWER_WAIT = 1_000
/** Longest time as text, `2026-11-27T05:10:18.123Z` and a line feed. */
const LONGEST_TEXT = 25

/**
 * Opens a listening socket in the store's folder, named after the server's address. The kernel closes it when the process ends, so a
 * crashed server does not count. It also works across containers on one machine, where process ids mean nothing. Commands of the command
 * line open no socket, since they are no servers.
 *
 * Each server tells the others when it started, so that both sides notice, whichever was first.
 *
 * @param noticed called with each other server, now and later
 * @returns undefined when the file system has no sockets or the path is too long, so that other servers cannot be detected
 */
export async function announceServer(
  root: string,
  serverBaseUrl: string,
  noticed: (other: OtherServer) => void = () => {},
): Promise<ServerPresence | undefined> {
  const { folder, prefix } = placeOf(root, serverBaseUrl)
  const own = prefix + randomBytes(4).toString('hex')
  const startedAt = new Date(performance.timeOrigin)
  if (Buffer.byteLength(join(folder, own)) > LONGEST_PATH) return undefined
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    // Listen first, so that of two servers starting at once at least one sees the other.
    const close = await listen(join(folder, own), startedAt, noticed)
    const names = (await readdir(folder)).filter((name) => name.startsWith(prefix) && name !== own)
    const others = await askAll(folder, names, startedAt)
    for (const other of others) noticed(other)
    return { others, close }
  } catch {
    return undefined
  }
}

/** Returns the running servers of this address. They are not told of whoever asks. */
export async function announcedServers(root: string, serverBaseUrl: string): Promise<readonly OtherServer[]> {
  const { folder, prefix } = placeOf(root, serverBaseUrl)
  const names = await readdir(folder).catch(() => [])
  return askAll(
    folder,
    names.filter((name) => name.startsWith(prefix)),
  )
}

function placeOf(root: string, serverBaseUrl: string) {
  const prefix = `${createHash('sha256').update(serverBaseUrl).digest('hex').slice(0, 8)}-`
  return { folder: join(root, 'servers'), prefix }
}

async function listen(
  path: string,
  startedAt: Date,
  noticed: (other: OtherServer) => void,
): Promise<() => Promise<void>> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    // An earlier version, and whoever only asks, says nothing.
    void timeFrom(socket).then((time) => time && noticed({ startedAt: time }))
    socket.end(`${startedAt.toISOString()}\n`)
  })
  server.unref()
  // Workers of one cluster would otherwise share the socket.
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ path, exclusive: true }, resolve))
  // Closing the server removes the socket's file.
  return () => new Promise((resolve) => server.close(() => resolve()))
}

async function askAll(folder: string, names: readonly string[], startedAt?: Date): Promise<readonly OtherServer[]> {
  const answers = await Promise.all(names.map((name) => ask(join(folder, name), startedAt)))
  return answers.flatMap((answer) => (answer ? [answer] : []))
}

/** Returns undefined if nobody listens there. */
async function ask(path: string, startedAt: Date | undefined): Promise<OtherServer | undefined> {
  const socket = connect(path)
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).on('error', () => resolve(false))
  })
  if (!connected) {
    await removeOld(path)
    return undefined
  }
  socket.end(startedAt ? `${startedAt.toISOString()}\n` : '')
  return { startedAt: await timeFrom(socket) }
}

/** Reads one time, and no more than that: other programs of this user may connect too. */
function timeFrom(socket: Socket): Promise<Date | undefined> {
  return new Promise((resolve) => {
    let text = ''
    const done = () => {
      clearTimeout(late)
      socket.destroy()
      const time = new Date(text.trim())
      resolve(Number.isNaN(time.getTime()) ? undefined : time)
    }
    const late = setTimeout(done, ANSWER_WAIT).unref()
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.length >= LONGEST_TEXT) done()
    })
    socket.once('end', done).once('close', done)
  })
}

async function removeOld(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isSocket() && Date.now() - found.mtimeMs > NEW_MILLISECONDS) await removeQuietly(path)
}
