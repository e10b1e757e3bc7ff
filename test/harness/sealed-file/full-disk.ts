import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'

/** One way to run a program with a folder on a disk that has no more space. */
export interface FullDisk {
  readonly name: string
  /** The system's error when the space is used up. */
  readonly errno: 'ENOSPC' | 'EFBIG'
  /** Runs `node` with these parameters; the disk below `folder` takes so many bytes, or each file on it does. */
  run(
    folder: string,
    bytes: number,
    parameters: readonly string[],
    environment?: NodeJS.ProcessEnv,
  ): SpawnSyncReturns<string>
}

/**
 * A disk of our own in a mount namespace that ends with the process, where the system allows that; and, everywhere, a limit on the
 * size of each file, which makes the same writes fail half-way.
 */
export function fullDisks(): readonly FullDisk[] {
  return [...(namespace ? [smallDisk(namespace)] : []), fileSizeLimit]
}

/** `unshare`'s parameters for a namespace in which this user may mount, undefined where there is none. */
export const namespace: readonly string[] | undefined = [['-m'], ['-rm']].find(
  (candidate) => spawnSync('unshare', [...candidate, 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0,
)

// Some of these tests have no other form, and an empty list of cases leaves no trace in the report.
if (!namespace)
  process.stderr.write('Left out: the tests on a disk of their own. "unshare" may not mount here; run them as root.\n')

function smallDisk(unshare: readonly string[]): FullDisk {
  return {
    name: 'a small disk',
    errno: 'ENOSPC',
    run(folder, bytes, parameters, environment) {
      const script = 'mount -t tmpfs -o mode=0700,size="$1" tmpfs "$2"; shift 2; exec "$@"'
      const command = ['sh', '-c', script, 'sh', String(bytes), folder, process.execPath, ...parameters]
      return spawnSync('unshare', [...unshare, ...command], {
        encoding: 'utf8',
        env: { ...process.env, ...environment },
      })
    },
  }
}

const fileSizeLimit: FullDisk = {
  name: 'a limit on the size of files',
  errno: 'EFBIG',
  run(_folder, bytes, parameters, environment) {
    // In blocks of 512 bytes, as POSIX has it.
    const script = 'ulimit -f "$1"; shift; exec "$@"'
    return spawnSync('sh', ['-c', script, 'sh', String(Math.floor(bytes / 512)), process.execPath, ...parameters], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    })
  },
}
