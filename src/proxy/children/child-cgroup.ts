import { mkdir, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { ChildFolder } from './child-folder.ts'

/** The cgroup of one child: what it starts stays in it, whatever process group or session that makes for itself. */
export interface ChildCgroup {
  /** Kills everything in it, and removes it. */
  remove(): Promise<void>
}

const TRIES = 50

/**
 * Puts a process that still waits at its gate into a new cgroup below `parent`, and leaves a note for the watchdog.
 *
 * @throws `configuration_invalid` (`child_cgroup`)
 */
export async function joinCgroup(parent: string, { name, path }: ChildFolder, pid: number): Promise<ChildCgroup> {
  const cgroup = join(parent, `mcv-${name}`)
  const note = `${path}.cgroup`
  const remove = async () => {
    await writeFile(join(cgroup, 'cgroup.kill'), '1').catch(() => undefined)
    for (let tries = 0; tries < TRIES; tries += 1) {
      // Its files are the kernel's, so only rmdir removes it, and only once its last process has gone.
      const failure = await rmdir(cgroup).catch((error: NodeJS.ErrnoException) => error.code)
      if (failure !== 'EBUSY') break
      await delay(10)
    }
    await writeFile(note, '').catch(() => undefined)
  }
  try {
    await writeFile(note, `${cgroup}\n`, { mode: 0o600 })
    await mkdir(cgroup)
    await writeFile(join(cgroup, 'cgroup.procs'), String(pid))
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
