import { execFile } from 'node:child_process'

/** The user and group of a process. */
export interface ProcessUser {
  readonly uid: number
  readonly gid: number
}

/**
 * Removes folders with all in them, with `rm`: it opens each folder before it looks inside. Node's own `rm` goes by paths, so another process
 * could put a link in the place of a folder meanwhile, and root would follow it anywhere. Never rejects.
 *
 * @param user who removes it, and so can remove nothing else
 */
export function removeTree(paths: readonly string[], user?: ProcessUser): Promise<void> {
  return new Promise((resolve) => {
    execFile('/bin/rm', ['-rf', '--', ...paths], { cwd: '/', env: {}, ...user }, () => resolve())
  })
}
