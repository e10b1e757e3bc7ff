import { readFileSync } from 'node:fs'

/**
 * Returns whether an open file lies on a read-only mount. It reads the mount table instead of trying to write, because in containers root
 * without its capabilities is refused for other reasons first. Returns false on systems other than Linux.
 */
export function isOnReadOnlyMount(descriptor: number): boolean {
  try {
    const [, mount] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? []
    const line = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .find((text) => text.startsWith(`${mount} `))
    // proc_pid_mountinfo(5): the sixth field has the mount's own options, the last those of the file system below it.
    const [before = '', after = ''] = (line ?? '').split(' - ')
    return [before.split(' ')[5], after.split(' ')[2]].some((options) => options?.split(',').includes('ro'))
  } catch {
    return false
  }
}
