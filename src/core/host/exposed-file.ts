import { fstatSync } from 'node:fs'
import { isOnReadOnlyMount } from './read-only-mount.ts'

const ANYBODY_ELSE = 0o077
const ANYBODY_ELSE_WRITES = 0o022
const MOUNT_OPTION =
  'defaultMode: 0400 for a Kubernetes secret, mode: 0400 for a Swarm secret, or the mode of the file that is mounted'

export interface Exposure {
  /** Whether the file may be used all the same, with a warning: only root can change it. */
  readonly tolerated: boolean
  /** One sentence that says what to do. */
  readonly remedy: string
}

/**
 * Returns how an open file that holds secrets is exposed to other users, or undefined if it is not. The mode of a file that another user
 * owns is not checked: systemd, Kubernetes and Compose hand out secrets this way and set the mode.
 */
export function exposureOf(path: string, descriptor: number): Exposure | undefined {
  const { uid, mode } = fstatSync(descriptor)
  if (uid !== process.getuid?.() || (mode & ANYBODY_ELSE) === 0) return undefined
  if (!isOnReadOnlyMount(descriptor)) return { tolerated: false, remedy: `Run: chmod 600 ${path}` }
  // Containers mount secrets like this by default, owned by their root.
  const tolerated = uid === 0 && (mode & ANYBODY_ELSE_WRITES) === 0
  return {
    tolerated,
    remedy: `It lies on a read-only mount, so set its mode where it is mounted: ${MOUNT_OPTION}.`,
  }
}
