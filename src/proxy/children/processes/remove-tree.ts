import { execFile } from 'node:child_process'

/** The user and group of a process. */
export interface ProcessUser {
  readonly uid: number
  readonly gid: number
}

/**
 * Removes folders and their content with `rm`, which opens each folder before it looks inside. Node's own `rm` goes by paths, so another
 * process could replace a folder with a link meanwhile, and root would follow it anywhere. Never rejects.
 *
 * @param user who removes it, and so can remove nothing else
 */
export function removeTree(paths: readonly string[], user?: ProcessUser): Promise<void> {
  return new Promise((resolve) => {
    execFile('/bin/rm', ['-rf', '--', ...paths], { cwd: '/', env: {}, ...user }, () => resolve())
  })
}
