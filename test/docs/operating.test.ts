import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { commands } from '../../src/cli/commands.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { freePort } from '../harness/free-port.ts'
import { fernetKey, writeAuthkitStore } from '../harness/processes/authkit-store.ts'
import { blocksOf, installInto, shell } from '../harness/processes/run-page-commands.ts'

const PAGE = 'docs/operating.md'

test("the handbook's commands, run in its order, do what it says", { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'operating-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  installInto(folder)
  const key = fernetKey()
  const old = { TOKEN_STORAGE_MODE: 'file', FILE_STORAGE_PATH: join(folder, 'old'), STORAGE_ENCRYPTION_KEY: key }
  writeAuthkitStore({ namespace: 'jira', entries: { carol: { pat: 'carols-token' }, gone: { pat: 'x' } } }, old)
  writeFileSync(join(folder, 'subjects.txt'), 'carol\n')
  writeFileSync(join(folder, 'old.env'), 'JIRA_TOKEN=a-machine-token\n', { mode: 0o600 })
  writeFileSync(
    join(folder, 'owners.txt'),
    ['bob', 'carol', 'build-bot'].map((name) => `https://login.example.com ${name}\n`).join(''),
  )
  const environment = { ...old, npm_config_update_notifier: 'false' }

  const followed = async (heading: string, expected: number) => {
    const script = blocksOf(PAGE, heading).join('')
    expect(script, heading).not.toBe('')
    const run = shell(
      `export MCP_VAULT_KEY_FILE=$PWD/vault.key MCP_VAULT_FOLDER=$PWD/data\n${script}`,
      folder,
      environment,
    )
    expect(await run.ended, `${heading}:\n${run.output()}`).toBe(expected)
    expect(run.output()).not.toMatch(/personal-access-token|confluence-token|carols-token|a-machine-token/)
    return run.output()
  }

  await followed("# Operator's handbook", 0)
  // The server's first start.
  const backend = sealedFile({ folder: join(folder, 'data'), keyFile: join(folder, 'vault.key') })
  await backend.open()
  await backend.close()

  const [csv = ''] = blocksOf(PAGE, 'Import the credentials of a team', 'csv')
  writeFileSync(join(folder, 'users.csv'), csv)
  const seeded = await followed('Import the credentials of a team', 0)
  expect(seeded).toContain('3 would be stored, 0 replaced, 0 kept, 0 failed.')
  expect(seeded).toContain('3 stored, 0 replaced, 0 kept, 0 failed.')
  expect(seeded).toContain('1 stored, 0 replaced, 0 kept, 0 failed.')

  const imported = await followed('Import from mcp-authkit', 0)
  expect(imported).toContain('1 stored, 0 replaced, 0 kept, 0 failed.\n1 entry belongs to nobody in --subjects.')
  expect(await followed('Import from an environment file', 0)).toContain('1 stored')

  const left = await followed('Someone leaves', 1)
  expect(left).toMatch(/^confluence +revoked\njira +revoked$/m)
  expect(await followed('A service leaked its tokens', 0)).toContain('1 credential was revoked already.')
  const rolledBack = await followed('A service rejected good tokens', backend.markRejected ? 0 : 1)
  expect(rolledBack).toContain(backend.markRejected ? 'is not marked as rejected' : '[unsupported]')
  expect(await followed('See what expires soon', 0)).toContain('4 credentials have no known time of expiry.')
  const orphans = await followed('Clean up', 0)
  expect(orphans).toMatch(/^confluence +\S+ +alice +revoked +\S+ +provider, owner$/m)
  expect(orphans).toMatch(/^jira +\S+ +deploy-bot +active +\S+ +owner$/m)
  expect(orphans).toContain('3 orphans among 6 credentials.')
})

test('its probes answer, and its signal ends the server with 0', { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'probes-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  installInto(folder)
  writeFileSync(join(folder, 'vault.key'), generateKeyText(), { mode: 0o600 })
  const port = String(await freePort())
  const blocks = blocksOf(PAGE, 'Health checks and shutting down')
  expect(blocks).toHaveLength(2)
  const run = shell(blocks.join('').replaceAll('8005', port), folder, {
    MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
    MCP_SERVER_BASE_URL: `http://localhost:${port}`,
  })
  expect(await run.ended, run.output()).toBe(0)
  expect(run.output()).toContain('{"status":"ready"}{"status":"ok"}')
})

test('the handbook has every command that changes or lists many credentials', () => {
  const text = readFileSync(PAGE, 'utf8')
  const all = [...commands.keys()]
  const names = all.slice(all.indexOf('rollback'))
  const own = names.filter((name) => !name.startsWith('audit'))
  expect(own.length).toBeGreaterThan(7)
  for (const name of own) expect(text, name).toContain(name)
})
