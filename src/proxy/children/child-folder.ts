import { randomBytes } from 'node:crypto'
import { chmod, chown, type FileHandle, mkdir, open, rm, rmdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ProcessUser, removeTree } from './processes/remove-tree.ts'
import type { Watchdog } from './watchdog/watchdog.ts'

/** A file with a user's secret in it, for servers that read their credential from one: kubeconfig, PEM, netrc. */
export interface CredentialFile {
  /** Environment variable that gets the file's path. */
  readonly variable: string
  /** The whole content, at most 256 kB. */
  readonly contents: string
  /** The file's name, as some programs want a certain one. Default the variable's name in lower case. */
  readonly name?: string
  /**
   * `file` is a file of mode 0600. `descriptor`, on Linux, is a file that has no name any more; its path is `/proc/self/fd/N`, so only the
   * command itself can read it and nothing that it starts, as `npx` and `uvx` start the server. Default `file`.
   */
  readonly as?: 'file' | 'descriptor'
}

/** What is made for one child, and removed with it. */
export interface ChildFolder {
  /** Names the child towards the watchdog. */
  readonly name: string
  /** Contains `home`, `tmp` and `work`. */
  readonly path: string
  readonly home: string
  readonly temporary: string
  readonly working: string
  /** Paths of the credential files, by variable. */
  readonly filePaths: Readonly<Record<string, string>>
  /** Descriptors for the child, in order, from {@link FIRST_DESCRIPTOR} on. */
  readonly descriptors: readonly number[]
  /** Closes this process's copies of the descriptors, once the child has its own. */
  closeDescriptors(): Promise<void>
  remove(): Promise<void>
}

/** The descriptor before is the gate's. */
export const FIRST_DESCRIPTOR = 4

export async function makeChildFolder(
  { folder, secretsFolder }: Watchdog,
  files: readonly CredentialFile[],
  user: ProcessUser | undefined,
): Promise<ChildFolder> {
  const name = randomBytes(9).toString('hex')
  const [path, secrets] = [join(folder, name), join(secretsFolder, `${name}.files`)]
  const handles: FileHandle[] = []
  const made: ChildFolder = {
    name,
    path,
    home: join(path, 'home'),
    temporary: join(path, 'tmp'),
    working: join(path, 'work'),
    filePaths: {},
    descriptors: [],
    closeDescriptors: async () => void (await Promise.all(handles.splice(0).map((handle) => handle.close()))),
    remove: () => removeAll([path, secrets], user),
  }
  try {
    // Another user has to come through to its own folder, but need not list the others.
    if (user) await Promise.all([folder, secretsFolder].map((parent) => chmod(parent, 0o711)))
    for (const each of [path, made.home, made.temporary, made.working, secrets]) await makeFolder(each, user)
    const filePaths: Record<string, string> = {}
    for (const file of files) {
      const place = join(secrets, file.name ?? file.variable.toLowerCase())
      await writeFile(place, file.contents, { mode: 0o600, flag: 'wx' })
      if (user) await chown(place, user.uid, user.gid)
      if (file.as !== 'descriptor') filePaths[file.variable] = place
      else {
        filePaths[file.variable] = `/proc/self/fd/${FIRST_DESCRIPTOR + handles.length}`
        handles.push(await open(place, 'r'))
        await unlink(place)
      }
    }
    return { ...made, filePaths, descriptors: handles.map(({ fd }) => fd) }
  } catch (error) {
    await made.closeDescriptors()
    await made.remove()
    throw error
  }
}

async function makeFolder(path: string, user: ProcessUser | undefined): Promise<void> {
  await mkdir(path, { mode: 0o700 })
  if (user) await chown(path, user.uid, user.gid)
}

async function removeAll(paths: readonly string[], user: ProcessUser | undefined): Promise<void> {
  if (!user) {
    await Promise.all(
      paths.map((path) => rm(path, { recursive: true, force: true, maxRetries: 5 }).catch(() => undefined)),
    )
    return
  }
  await removeTree(
    paths.map((path) => `${path}/`),
    user,
  )
  // The folder around them is ours, so the user cannot remove the empty ones.
  await Promise.all(paths.map((path) => rmdir(path).catch(() => undefined)))
}
