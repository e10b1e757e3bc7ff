import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createJsonLines } from '../../../src/audit/json-lines.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import type { ServerTier } from '../../../src/core/ports/store-keys.ts'
import { type MainCommand, mainCommand } from '../../harness/processes/cli-process.ts'
import { endedProcess } from '../../harness/processes/ended-process.ts'
import { type RedisNode, startRedisNode } from '../../harness/redis/redis-server.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

const logIn = (folder: string) => createJsonLines({ folder, key: generateKeyText(), warn: () => {} })

async function written(folder: string, tier: ServerTier | undefined): Promise<void> {
  const log = logIn(folder)
  await log.open?.(undefined, undefined, tier)
  await log.close()
}

const lines = (folder: string) => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))

/** Holds the first writes to files until as many have come, so that each log has looked at the folder while it had no line. */
async function firstLinesAtOnce(count: number): Promise<() => number> {
  const handle = await open(await temporaryFolder(), 'r')
  const prototype: FileHandle = Object.getPrototypeOf(handle)
  await handle.close()
  let release = () => {}
  const all = new Promise<void>((resolve) => {
    release = resolve
  })
  let arrived = 0
  const write: (...parameters: never[]) => Promise<unknown> = prototype.write
  const spy = vi.spyOn(prototype, 'write').mockImplementation(async function (this: FileHandle, ...parameters) {
    arrived += 1
    if (arrived === count) {
      spy.mockRestore()
      release()
    }
    await all
    return Reflect.apply(write, this, parameters)
  })
  onTestFinished(() => spy.mockRestore())
  return () => arrived
}

describe('a log', () => {
  test.each([
    ['form', 'tool'],
    ['tool', 'form'],
    ['form', 'all'],
    ['all', 'form'],
    ['all', 'tool'],
  ] as const)('of %s is refused by %s, which writes no line there', async (owner, other) => {
    const folder = join(await temporaryFolder(), 'audit')
    await written(folder, owner)
    const before = lines(folder)
    await expect(written(folder, other)).rejects.toMatchObject({
      code: 'configuration_invalid',
      reason: 'other_tiers_log',
      message: expect.stringMatching(/MCP_AUDIT_FOLDER .*Keep the old folder/),
    })
    expect(lines(folder)).toEqual(before)
    await written(folder, owner)
  })

  test('of a command is refused by none, and a command may write to that of each', async () => {
    const folder = join(await temporaryFolder(), 'audit')
    for (const writer of [undefined, 'form', undefined, 'form'] as const) await written(folder, writer)
    expect(lines(folder)).toHaveLength(4)
  })

  test('is refused by one at least of two tiers that start at the same time', async () => {
    const folder = join(await temporaryFolder(), 'audit')
    const arrived = await firstLinesAtOnce(2)
    const logs = (['form', 'tool'] as const).map((tier) => ({ tier, log: logIn(folder) }))
    const starts = await Promise.allSettled(logs.map(({ tier, log }) => log.open?.(undefined, undefined, tier)))
    await Promise.all(logs.map(({ log }) => log.close()))
    expect(arrived()).toBe(2)
    expect(starts.map(({ status }) => status)).toContain('rejected')
  })
})

describe('an operator who names the log of the other tier', () => {
  let redis: RedisNode
  beforeAll(async () => {
    redis = await startRedisNode()
  })
  afterAll(() => redis.remove())

  let main: MainCommand
  beforeEach(async () => {
    main = await mainCommand()
    onTestFinished(() => main.remove())
    await main.store('alice', { pat: 'one' })
    writeFileSync(join(main.root, 'tools.mjs'), 'export default () => undefined\n')
  })

  async function environmentOf(tier: 'form' | 'tool', log: string): Promise<NodeJS.ProcessEnv> {
    const kind = tier === 'form' ? 'writer' : 'reader'
    const bundle = join(main.root, `${kind}-${log}.bundle`)
    expect(await main.run(['keys', `export-${kind}`, '--out', bundle])).toMatchObject({ code: 0 })
    return {
      MCP_PENDING_STORE: 'redis',
      MCP_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      MCP_VAULT_FOLDER: main.environment.MCP_VAULT_FOLDER,
      MCP_VAULT_BUNDLE_FILE: bundle,
      MCP_SERVER_BASE_URL: 'http://localhost:8005',
      MCP_IDENTITY: 'local-user',
      MCP_WEB_KEY: generateKeyText(),
      MCP_AUDIT_KEY: generateKeyText(),
      MCP_AUDIT_FOLDER: join(main.root, log),
    }
  }

  async function said(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
    const env = { PATH: process.env['PATH'], HOME: main.root, ...environment }
    const { code, out, error } = await endedProcess(process.execPath, [main.script, ...words], { env, cwd: main.root })
    return `${code} ${error} ${out}`
  }

  test.each([
    ['form', 'tool'],
    ['tool', 'form'],
  ] as const)('of %s for %s is told by doctor and by start', async (owner, other) => {
    await written(join(main.root, 'log'), owner)
    const wrong = await environmentOf(other, 'log')
    const refusal = new RegExp(`that of the ${owner} tier .* this process is the ${other} tier`)
    const checked = await said(['doctor', '--tier', other], wrong)
    expect(checked).toMatch(/^1 /)
    expect(checked).toMatch(refusal)
    expect(checked).toContain('"audit verify --folder" with the old key (MCP_AUDIT_KEY_FILE or --key)')
    // Another check must not advise to trust the other tier's key.
    expect(checked).not.toContain('MCP_AUDIT_KEY_ACCEPTED_FILE')
    const started = await said(['start', 'tools.mjs', '--tier', other, '--port', '0'], wrong)
    expect(started).toMatch(/^1 /)
    expect(started).toMatch(refusal)
  })

  test('to doctor alone has not given it away', async () => {
    const folder = join(main.root, 'log')
    expect(await said(['doctor', '--tier', 'tool'], await environmentOf('tool', 'log'))).toMatch(/^0 /)
    expect(lines(folder).join('')).toContain('"type":"admin.checked"')
    await written(folder, 'form')
    expect(
      lines(folder)
        .join('')
        .match(/"tier":"\w+"/g),
    ).toEqual(['"tier":"form"'])
  })

  test('is told by a server that is both', async () => {
    await written(join(main.root, 'log'), 'form')
    const { MCP_VAULT_FOLDER, MCP_VAULT_KEY_FILE, MCP_VAULT_KEY } = main.environment as NodeJS.ProcessEnv
    const both = { MCP_VAULT_FOLDER, MCP_VAULT_KEY_FILE, MCP_VAULT_KEY, MCP_AUDIT_FOLDER: join(main.root, 'log') }
    const local = { MCP_SERVER_BASE_URL: 'http://localhost:8005', MCP_IDENTITY: 'local-user' }
    expect(await said(['start', 'tools.mjs', '--port', '0'], { ...both, ...local })).toMatch(
      /^1 .*that of the form tier .* this process is a server that is both tiers/s,
    )
  })
})
