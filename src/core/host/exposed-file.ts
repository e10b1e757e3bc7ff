import { fstatSync } from 'node:fs'
import { isOnReadOnlyMount } from './read-only-mount.ts'
import { shownPath } from './shown-path.ts'

const ANYBODY_ELSE = 0o077
const ANYBODY_ELSE_WRITES = 0o022
const MOUNT_OPTION =
  'defaultMode: 0400 for a Kubernetes secret, mode: 0400 for a Swarm secret, or the mode of the file that is mounted'

export interface FileExposure {
  /** Whether the file may be used nevertheless, with a warning, because only root can change it. */
  readonly tolerated: boolean
  /** One sentence that says what to do. */
  readonly remedy: string
}

/**
 * Returns how an open file of secrets is exposed to other users, or undefined if it is not. Skips a file that another user owns: systemd,
 * Kubernetes and Compose provide secrets in such files and set their mode.
 */
export function fileExposure(path: string, descriptor: number): FileExposure | undefined {
  const { uid, mode } = fstatSync(descriptor)
  if (uid !== process.getuid?.() || (mode & ANYBODY_ELSE) === 0) return undefined
  if (!isOnReadOnlyMount(descriptor)) return { tolerated: false, remedy: `Run: chmod 600 ${shownPath(path) ?? 'FILE'}` }
  // Containers mount secrets like this by default, owned by their root.
  const tolerated = uid === 0 && (mode & ANYBODY_ELSE_WRITES) === 0
  return {
    tolerated,
    remedy: `It is on a read-only mount, so set its mode where it is mounted: ${MOUNT_OPTION}.`,
  }
}
