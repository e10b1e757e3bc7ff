import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CredentialVaultError } from '../../../core/model/errors.ts'

/** The cgroup of one child: what it starts stays in it, whatever process group or session that makes for itself. */
export interface Cgroup {
  /** Kills everything in it, and removes it and its note. */
  remove(): Promise<void>
}

/** Ending of the notes from which the watchdog, and the sweep of the next start, know a cgroup's path. */
const NOTE = '.cgroup'
const TRIES = 100

/**
 * Puts a process that still waits at its gate into a new cgroup below `parent`.
 *
 * @param folder where the note is left
 * @param name of the child; the cgroup's name begins with `mcv-`
 * @throws `configuration_invalid` (`child_cgroup`)
 */
export async function joinCgroup(parent: string, folder: string, name: string, pid: number): Promise<Cgroup> {
  const path = join(parent, `mcv-${name}`)
  const note = join(folder, `${name}${NOTE}`)
  const remove = async () => {
    await endCgroup(path)
    await rm(note, { force: true })
  }
  try {
    await writeFile(note, `${path}\n`, { mode: 0o600 })
    await mkdir(path)
    // The file is the kernel's. In a folder that is no cgroup there is none.
    await writeFile(join(path, 'cgroup.procs'), String(pid), { flag: 'r+' })
    return { remove }
  } catch {
    await remove()
    throw new CredentialVaultError(
      'configuration_invalid',
      'child.cgroup: no cgroup could be made there. Name a cgroup v2 folder that is delegated to the user of the proxy.',
      { reason: 'child_cgroup' },
    )
  }
}

/** Ends the cgroups whose notes are in a folder. */
export async function endNotedCgroups(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((name) => name.endsWith(NOTE))) {
    const path = (await readFile(join(folder, name), 'utf8').catch(() => '')).trim()
    if (path !== '') await endCgroup(path)
  }
}

async function endCgroup(path: string): Promise<void> {
  await writeFile(join(path, 'cgroup.kill'), '1', { flag: 'r+' }).catch(() => undefined)
  for (let tries = 0; tries < TRIES; tries += 1) {
    // Its files are the kernel's, so only rmdir removes it, and only once its last process has gone.
    const failure = await rmdir(path).catch((error: NodeJS.ErrnoException) => error.code)
    if (failure !== 'EBUSY') return
    await delay(20)
  }
}
