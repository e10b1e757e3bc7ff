import { lstat, mkdtemp, readdir, rename } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { CredentialVaultError } from '../../../core/model/errors.ts'
import { endNotedCgroups } from '../processes/cgroup.ts'
import { killNaming } from '../processes/process-table.ts'
import { removeTree } from '../processes/remove-tree.ts'

/** A private folder of one running proxy, with a socket in it that answers for as long as the proxy lives. */
export interface InstanceFolder {
  readonly path: string
  /** Stops answering, and removes the folder if it is still there. */
  remove(): Promise<void>
}

const BEGINNING = 'mcv-proxy-'
const SOCKET = 'alive'
/** The shortest limit of a socket's path, macOS's, in bytes. */
const MAX_SOCKET_PATH = 103
/** A folder without a socket may be one that is being made. Milliseconds. */
const BEING_MADE = 60_000

/** Makes a folder with mode 0700 below `parent`. */
export async function openInstanceFolder(parent: string): Promise<InstanceFolder> {
  if (Buffer.byteLength(join(parent, `${BEGINNING}xxxxxx`, `${SOCKET}.new`)) > MAX_SOCKET_PATH) {
    throw new CredentialVaultError(
      'configuration_invalid',
      `The path of the folder for children is too long for a socket in it. Name one of at most ${MAX_SOCKET_PATH - 27} bytes.`,
      { reason: 'file' },
    )
  }
  const path = await mkdtemp(join(parent, BEGINNING))
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(join(path, `${SOCKET}.new`), resolve)
  })
  server.unref()
  // Under its final name it always answers, so a sweep cannot mistake it for a dead one.
  await rename(join(path, `${SOCKET}.new`), join(path, SOCKET))
  return {
    path,
    async remove() {
      server.close()
      await removeTree([path])
    },
  }
}

/**
 * Ends and removes what proxies left behind that died together with their watchdog: the processes, on Linux, and the folders. Returns
 * how many folders it removed.
 */
export async function sweepInstances(parent: string): Promise<number> {
  const names = await readdir(parent).catch(() => [])
  let removed = 0
  for (const name of names.filter((name) => name.startsWith(BEGINNING))) {
    const path = join(parent, name)
    if (!(await isAbandoned(path))) continue
    await endNotedCgroups(path)
    await killNaming(`${path}/`)
    await removeTree([path])
    removed += 1
  }
  return removed
}

async function isAbandoned(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined)
  // Everybody may make a folder or a link of this name in a shared folder.
  if (!stats?.isDirectory() || stats.uid !== process.getuid?.()) return false
  const answer = await new Promise<string>((resolve) => {
    const socket = connect(join(path, SOCKET))
    socket.once('connect', () => socket.destroy(undefined) && resolve('alive'))
    socket.once('error', (error) => resolve('code' in error ? String(error.code) : ''))
  })
  return answer === 'ECONNREFUSED' || (answer === 'ENOENT' && Date.now() - stats.mtimeMs > BEING_MADE)
}
