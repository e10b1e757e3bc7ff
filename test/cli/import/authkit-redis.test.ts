import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fernetKey, writeAuthkitStore } from '../../harness/processes/authkit-store.ts'
import { ISSUER, type MainCommand, mainCommand } from '../../harness/processes/cli-process.ts'
import { runCli } from '../../harness/processes/run-cli.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'

const SECRET = 'tok-canary-77f1c09a2e'
const PASSWORD = 'redis-canary-5512'
const root = mkdtempSync(join(tmpdir(), 'authkit-redis-'))
const subjects = join(root, 'subjects.txt')

let command: MainCommand
let redis: RedisNode
let url: string
let key: string

beforeAll(async () => {
  command = await mainCommand()
  await command.store('other', { pat: 'x' })
  redis = await startRedisNode({ config: [`requirepass ${PASSWORD}`] })
  url = `redis://:${PASSWORD}@127.0.0.1:${redis.port}/0`
  key = fernetKey()
  const authkit = { TOKEN_STORAGE_MODE: 'redis', REDIS_URL: url, STORAGE_ENCRYPTION_KEY: key }
  writeAuthkitStore({ namespace: 'jira', entries: { alice: { pat: SECRET }, gone: { pat: SECRET } } }, authkit)
  writeAuthkitStore({ entries: { bob: { pat: `${SECRET}-bob` } } }, { ...authkit, REDIS_KEY_PREFIX: 'own*[x]:' })
  writeFileSync(subjects, 'alice\nbob\n')
}, 60_000)
afterAll(async () => {
  await redis.remove()
  command.remove()
  rmSync(root, { recursive: true })
})

async function run(words: readonly string[], variables: NodeJS.ProcessEnv = {}) {
  const all = ['import', 'authkit-redis', '--provider', 'jira', '--issuer', ISSUER, '--subjects', subjects, ...words]
  const environment = { ...command.environment, REDIS_URL: url, STORAGE_ENCRYPTION_KEY: key, ...variables }
  const done = await runCli(all, environment)
  expect(done.out + done.error).not.toMatch(/canary/)
  return done
}

test('what mcp-authkit 0.3.0 stored in Redis is imported', async () => {
  expect((await run(['--dry-run'])).out).toContain('1 would be stored, 0 replaced, 0 kept, 0 failed.')
  const { code, out } = await run([])
  expect([code, out]).toEqual([
    0,
    expect.stringContaining('1 stored, 0 replaced, 0 kept, 0 failed.\n1 entry belongs to nobody'),
  ])
  expect(await command.stored('alice')).toEqual({ pat: SECRET })
})

test('a prefix of its own, without a namespace', async () => {
  const none = await run(['--namespace='])
  expect([none.code, none.error]).toEqual([2, expect.stringContaining('Redis has no entry under this prefix')])
  expect((await run(['--namespace='], { REDIS_KEY_PREFIX: 'own*[x]:' })).code).toBe(0)
  expect(await command.stored('bob')).toEqual({ pat: `${SECRET}-bob` })
})

test.each([
  ['no URL', '', 2, 'set REDIS_URL'],
  ['another scheme', `https://:${PASSWORD}@127.0.0.1/`, 2, 'REDIS_URL is not a redis:// or rediss:// URL'],
  ['a closed port', `redis://:${PASSWORD}@127.0.0.1:1/`, 1, 'cannot be read. Check its address'],
])('%s is named, without the password', async (_, url, exit, problem) => {
  const { code, error } = await run([], { REDIS_URL: url })
  expect([code, error]).toEqual([exit, expect.stringContaining(problem)])
})

test('a wrong password is told without it', async () => {
  const { code, error } = await run([], { REDIS_URL: url.replace(PASSWORD, 'wrong') })
  expect([code, error]).toEqual([1, expect.stringContaining('its password')])
})
