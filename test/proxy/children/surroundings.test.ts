import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld, isRunning } from './fixture.ts'

let world: ChildWorld

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

afterEach(async () => {
  await world.endAll()
  expect(world.remains()).toEqual([])
})

test('a wrapper stands in front of the command, and the environment stays what was declared', async () => {
  const child = await world.start({ wrapper: ['nice', '-n', '5'], slots: { TOKEN: 'value' } })
  expect(Object.keys((await call(child, 'environment')) as object).sort()).toEqual(['HOME', 'TMPDIR', 'TOKEN'])
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1')
  expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]).toBe('5')
})

test('a user of its own runs the child, and owns its folders and files; it needs root', async () => {
  const options = {
    user: { uid: 65_534, gid: 65_534 },
    files: [{ variable: 'TOKEN_FILE', contents: 'value' }],
    command: ['/bin/sh', '-c', SHELL_SERVER],
  }
  if (process.getuid?.() !== 0) {
    await expect(world.start(options)).rejects.toMatchObject({ code: 'unavailable', reason: 'child_start' })
    return
  }
  // The test's own folder is closed to others.
  chmodSync(world.root, 0o711)
  const child = await world.start(options)
  await child.send({ jsonrpc: '2.0', id: 1, method: 'ping' })
  const { value } = await child.messages.next()
  expect(value).toMatchObject({ result: { user: '65534', groups: '65534', file: 'value', wrote: true } })
  await child.end('session_closed')
})

/** node may be in a folder that another user cannot read. */
const SHELL_SERVER = `
read -r line
touch "$HOME/file" "$TMPDIR/file" file && wrote=true
printf '{"jsonrpc":"2.0","id":1,"result":{"user":"%s","groups":"%s","file":"%s","wrote":%s}}\\n' \
  "$(id -u)" "$(id -G)" "$(cat "$TOKEN_FILE")" "$wrote"
sleep 1000
`

describe('a cgroup', () => {
  let cgroups: string
  let isMounted = false

  beforeAll(() => {
    const mounted = readFileSync('/proc/mounts', 'utf8').match(/^\S+ (\S+) cgroup2 rw/m)?.[1]
    cgroups = mounted ?? mkdtempSync(join(tmpdir(), 'cgroups-'))
    if (mounted === undefined) {
      execFileSync('mount', ['-t', 'cgroup2', 'none', cgroups])
      isMounted = true
    }
    cgroups = join(cgroups, `mcv-test-${process.pid}`)
    mkdirSync(cgroups)
  })

  afterAll(() => {
    spawnSync('rmdir', [cgroups])
    if (!isMounted) return
    execFileSync('umount', [join(cgroups, '..')])
    rmSync(join(cgroups, '..'), { recursive: true })
  })

  test('holds all that the child starts, and ends and goes with it', async () => {
    const child = await world.start({ cgroup: cgroups })
    const stray = (await call(child, 'stray')) as number
    const [name = ''] = readdirSync(cgroups).filter((each) => each.startsWith('mcv-'))
    const members = readFileSync(join(cgroups, name, 'cgroup.procs'), 'utf8')
      .trim()
      .split('\n')
      .map(Number)
    expect(members.sort()).toEqual([child.pid, stray].sort())
    await child.end('session_closed')
    expect(isRunning(stray)).toBe(false)
    expect(existsSync(join(cgroups, name))).toBe(false)
  })

  test('ends and goes with the proxy', async () => {
    const other = await childWorld()
    const child = await other.start({ cgroup: cgroups })
    const stray = (await call(child, 'stray')) as number
    await other.close()
    await expect.poll(() => isRunning(stray)).toBe(false)
    await child.ended
    expect(readdirSync(cgroups).filter((each) => each.startsWith('mcv-'))).toEqual([])
  })
})

test('a folder that is no cgroup is refused, and nothing has run', async () => {
  const cgroup = join(world.root, 'no-cgroup')
  mkdirSync(cgroup)
  const refused = { code: 'configuration_invalid', reason: 'child_cgroup' }
  await expect(world.start({ cgroup })).rejects.toMatchObject(refused)
  expect(readdirSync(cgroup)).toEqual([])
})
