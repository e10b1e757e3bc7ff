import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld, guardOf, isRunning, next } from './fixture.ts'

let world: ChildWorld

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

afterEach(async () => {
  await world.endAll()
  expect(world.remains()).toEqual([])
})

test('a child answers, and nothing of it is left when it has ended', async () => {
  const child = await world.start({ slots: { TOKEN: 'value' } })
  expect(await call(child, 'initialize')).toMatchObject({ serverInfo: { name: 'echo' } })
  child.ready()
  expect(world.remains()).not.toEqual([])
  expect(await child.end('session_closed')).toMatchObject({ reason: 'session_closed', strays: 0, invalidLines: 0 })
  expect(isRunning(child.pid)).toBe(false)
  expect(await next(child)).toBeUndefined()
})

test('its environment is what was declared, and a HOME and TMPDIR of its own', async () => {
  const child = await world.start({ literals: { API_URL: 'https://api.example.com' }, slots: { TOKEN: 'value' } })
  const environment = (await call(child, 'environment')) as Record<string, string>
  expect(Object.keys(environment).sort()).toEqual(['API_URL', 'HOME', 'TMPDIR', 'TOKEN'])
  expect(environment).toMatchObject({ API_URL: 'https://api.example.com', TOKEN: 'value' })
  const { folder } = (await call(child, 'surroundings')) as { folder: string }
  const { HOME = '', TMPDIR = '' } = environment
  expect(new Set([HOME, TMPDIR, folder].map(dirname)).size).toBe(1)
  for (const path of [HOME, TMPDIR, folder, dirname(HOME)]) expect(await call(child, 'mode', { path })).toBe('700')
})

test('a declared name may hold anything that an environment can', async () => {
  const value = `'"$HOME" \`id\`\n\\ ü =`
  const child = await world.start({ slots: { TOKEN: value }, literals: { PATH: '/usr/bin:/bin', http_proxy: value } })
  expect(await call(child, 'environment')).toMatchObject({ TOKEN: value, http_proxy: value, PATH: '/usr/bin:/bin' })
})

describe('credential files', () => {
  test('have mode 0600 and the name that was asked for, and their path is in the environment', async () => {
    const child = await world.start({ files: [{ variable: 'KUBECONFIG', contents: 'the file', name: 'config.yaml' }] })
    const { KUBECONFIG = '' } = (await call(child, 'environment')) as Record<string, string>
    expect(basename(KUBECONFIG)).toBe('config.yaml')
    expect(KUBECONFIG.startsWith(`${world.watchdog.secretsFolder}/`)).toBe(true)
    expect(await call(child, 'read', { path: KUBECONFIG })).toBe('the file')
    expect(await call(child, 'mode', { path: KUBECONFIG })).toBe('600')
    expect(await call(child, 'mode', { path: dirname(KUBECONFIG) })).toBe('700')
    await child.end('session_closed')
    expect(() => readFileSync(KUBECONFIG)).toThrow('ENOENT')
  })

  test('that are descriptors have no name, and can be read again and again', async () => {
    const files = ['one', 'two'].map((contents) => ({
      variable: contents.toUpperCase(),
      contents,
      as: 'descriptor' as const,
    }))
    const child = await world.start({ files })
    const environment = (await call(child, 'environment')) as Record<string, string>
    for (const { variable, contents } of files) {
      expect(environment[variable]).toMatch(/^\/proc\/self\/fd\/\d$/)
      expect(await call(child, 'read', { path: environment[variable] })).toBe(contents)
      expect(await call(child, 'read', { path: environment[variable] })).toBe(contents)
    }
    const left = readdirSync(world.watchdog.secretsFolder, { recursive: true })
    expect(left.filter((name) => String(name).endsWith('one') || String(name).endsWith('two'))).toEqual([])
    // The proxy keeps no copy open.
    const own = readdirSync('/proc/self/fd').map((fd) => targetOf(`/proc/self/fd/${fd}`))
    expect(own.filter((path) => path.includes(world.watchdog.secretsFolder) && path.includes('deleted'))).toEqual([])
  })
})

describe('before it runs', () => {
  test('its process id can be written down, and it runs only after that', async () => {
    const steps: (string | number)[] = []
    const mark = join(world.root, 'has-run')
    const child = await world.start({
      command: ['/bin/sh', '-c', `touch ${mark}; exec "$0" "$1"`, ...world.options().command],
      beforeRun: async (pid) => {
        steps.push(pid, existsSync(mark) ? 'ran' : 'waits', await readFile(`/proc/${pid}/cmdline`, 'latin1'))
      },
    })
    await call(child, 'ping')
    expect(steps).toEqual([child.pid, 'waits', expect.stringMatching(/^\/bin\/sh\0/)])
    expect(existsSync(mark)).toBe(true)
  })

  test('it is ended, and its files are removed, if that fails', async () => {
    const mark = join(world.root, 'has-never-run')
    const failure = new Error('no audit log')
    const start = world.start({
      command: ['/usr/bin/touch', mark],
      files: [{ variable: 'TOKEN_FILE', contents: 'value' }],
      beforeRun: () => Promise.reject(failure),
    })
    await expect(start).rejects.toBe(failure)
    expect(world.remains()).toEqual([])
    expect(existsSync(mark)).toBe(false)
  })
})

describe('its end', () => {
  test('a child that ignores TERM is killed after the grace', async () => {
    const child = await world.start({ grace: 100 })
    await call(child, 'ignoreTerm')
    expect(await child.end('idle')).toMatchObject({ reason: 'idle', signal: 'SIGKILL', exitCode: null })
    expect(isRunning(child.pid)).toBe(false)
  })

  test('a second reason does not replace the first, but may shorten its grace', async () => {
    const child = await world.start({ grace: 60_000 })
    await call(child, 'ignoreTerm')
    const ended = child.end('rotated')
    await child.end('revoked', 0)
    expect(await ended).toMatchObject({ reason: 'rotated', signal: 'SIGKILL' })
  })

  test('a child that ends by itself has crashed, and its last messages are read', async () => {
    const child = await world.start()
    await child.send({ jsonrpc: '2.0', id: 'last', method: 'ping' })
    await child.send({ jsonrpc: '2.0', id: 'exit', method: 'exit', params: { code: 3 } })
    expect(await next(child)).toMatchObject({ id: 'last' })
    expect(await child.ended).toMatchObject({ reason: 'crashed', exitCode: 3, signal: null })
    expect(await next(child)).toBeUndefined()
    await expect(child.send({ jsonrpc: '2.0', id: 2, method: 'ping' })).rejects.toMatchObject({ reason: 'closed' })
  })

  test.each([
    ['rotated', true],
    ['idle', true],
    ['revoked', false],
    ['offboarded', false],
  ] as const)('an answer that has been received when it is %s is handed out: %s', async (reason, isHandedOut) => {
    const child = await world.start()
    await child.send({ jsonrpc: '2.0', id: 'last', method: 'ping' })
    await expect.poll(() => child.callsInFlight).toBe(0)
    await child.end(reason)
    if (isHandedOut) expect(await next(child)).toMatchObject({ id: 'last' })
    expect(await next(child)).toBeUndefined()
  })

  test('a revocation while it ends for another reason drops what was received', async () => {
    const child = await world.start({ grace: 60_000 })
    await call(child, 'ignoreTerm')
    await child.send({ jsonrpc: '2.0', id: 'last', method: 'ping' })
    await expect.poll(() => child.callsInFlight).toBe(0)
    const ended = child.end('rotated')
    await child.end('revoked', 0)
    await ended
    expect(await next(child)).toBeUndefined()
  })

  test('a child that nobody calls ready is ended at its start deadline', async () => {
    const child = await world.start({ startDeadline: 50 })
    expect(await child.ended).toMatchObject({ reason: 'start_deadline' })
  })

  test('what has left the process group is ended too', async () => {
    const child = await world.start()
    const stray = (await call(child, 'stray')) as number
    expect(isRunning(stray)).toBe(true)
    expect(await child.end('session_closed')).toMatchObject({ strays: 1 })
    await expect.poll(() => isRunning(stray)).toBe(false)
  })
})

describe('messages', () => {
  test('lines that are no message are counted and harm nothing', async () => {
    const child = await world.start({ maxMessageBytes: 2_000 })
    const noise = ['Server is running', '{"jsonrpc":"1.0","id":1,"result":{}}', '[]']
    await call(child, 'stdout', { text: `${noise.join('\n')}\n\n` })
    await child.send({ jsonrpc: '2.0', id: 'long', method: 'stdout', params: { text: 'x', times: 1_000_000 } })
    expect(await call(child, 'ping')).toEqual({})
    expect(await child.end('session_closed')).toMatchObject({ invalidLines: noise.length + 1 })
  })

  test('a message that is too long is not sent', async () => {
    const child = await world.start({ maxMessageBytes: 2_000 })
    const long = call(child, 'stdout', { text: 'x'.repeat(2_000) })
    await expect(long).rejects.toMatchObject({ code: 'configuration_invalid', reason: 'too_large' })
    expect(child.callsInFlight).toBe(0)
  })

  test('a child that reads nothing is refused more', async () => {
    const child = await world.start({ command: ['/bin/sleep', '1000'], maxWaitingBytes: 200_000 })
    const text = 'x'.repeat(100_000)
    const sends = Array.from({ length: 20 }, () => child.send({ jsonrpc: '2.0', method: 'notice', params: { text } }))
    const results = Promise.allSettled(sends)
    await child.end('session_closed')
    const reasons = (await results).flatMap((sent) => (sent.status === 'rejected' ? [sent.reason.reason] : []))
    expect(reasons).toContain('overloaded')
  })

  test('output that nobody reads makes the child wait, and is all there later', async () => {
    const child = await world.start({ maxWaitingBytes: 10_000 })
    const text = `${JSON.stringify({ jsonrpc: '2.0', method: 'notice', params: { text: 'x'.repeat(1_000) } })}\n`
    await child.send({ jsonrpc: '2.0', id: 'many', method: 'stdout', params: { text, times: 2_000 } })
    let notices = 0
    for (let message = await next(child); message?.['id'] !== 'many'; message = await next(child)) notices += 1
    expect(notices).toBe(2_000)
  })

  test('calls in flight are counted until they are answered or cancelled', async () => {
    const child = await world.start()
    await child.send({ jsonrpc: '2.0', id: 7, method: 'silence' })
    await child.send({ jsonrpc: '2.0', id: '7', method: 'silence' })
    expect(child.callsInFlight).toBe(2)
    await child.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } })
    expect(child.callsInFlight).toBe(1)
    const settled = child.settled(3_600_000)
    await child.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: '7' } })
    await settled
    expect(child.callsInFlight).toBe(0)
  })
})

test('standard error is logged, line by line, with the name of the upstream', async () => {
  const child = await world.start({ guard: guardOf('a-secret-of-alice') })
  await call(child, 'stderr', { chunks: ['Listening', ' now\nsecond', ' line\nunfinished'] })
  const end = await child.end('session_closed')
  expect(end.withheldLines).toBe(0)
  const own = world.lines.filter((line) => line.includes(`process ${child.pid}`))
  expect(own).toEqual(
    ['Listening now', 'second line', 'unfinished'].map((line) => `info echo (process ${child.pid}): ${line}`),
  )
})

function targetOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
