import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { mainCommand } from '../../harness/processes/cli-process.ts'
import { runCli } from '../../harness/processes/run-cli.ts'

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('before the first start, doctor says what start will make, and makes nothing itself', async () => {
  const folder = emptyFolder()
  const environment = {
    MCP_VAULT_FOLDER: join(folder, 'data'),
    MCP_VAULT_KEY: generateKeyText(),
    MCP_SERVER_BASE_URL: 'http://localhost:8005',
  }
  const ended = await runCli(['doctor'], environment)
  expect(ended.out).toMatch(
    /^note +the login opens the store +\S+\/data is not yet made; "start" makes it\. If a server/m,
  )
  expect(ended.out).toMatch(/^note +the audit log can be written +\S+\/data\/audit is not yet made; "start" makes it$/m)
  expect(ended.out).toMatch(/^Nothing is wrong so far\. Run doctor again after the first start\. 1 skipped\.$/m)
  expect(ended.code).toBe(0)
  expect(existsSync(environment.MCP_VAULT_FOLDER)).toBe(false)
})

test('a key file that is not there is one fault, and the other checks refer to it', async () => {
  const folder = emptyFolder()
  const ended = await runCli(['doctor'], {
    MCP_VAULT_FOLDER: join(folder, 'data'),
    MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
  })
  expect(ended.code).toBe(1)
  expect(ended.out.match(/^WRONG .*/gm)).toEqual([expect.stringContaining('MCP_VAULT_KEY_FILE')])
  expect(ended.out).toMatch(
    /^skipped +the audit log can be written +for the same reason as "the login opens the store"$/m,
  )
})

test('a folder without a store beside a log that a server has written is a fault', async () => {
  const command = await mainCommand()
  onTestFinished(() => command.remove())
  const environment = { ...command.environment, MCP_AUDIT_FOLDER: join(command.root, 'audit') }
  await command.store('alice', { pat: 'x' })
  expect(await runCli(['doctor'], environment)).toMatchObject({ code: 0 })
  const mistyped = await runCli(['doctor'], { ...environment, MCP_VAULT_FOLDER: join(command.root, 'dta') })
  expect(mistyped.code).toBe(1)
  expect(mistyped.out).toMatch(
    /^WRONG +the login opens the store +There is no store in \S+\/dta\. Set MCP_VAULT_FOLDER/m,
  )
})

test('a folder that start cannot make is a fault', async () => {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'file'), '')
  mkdirSync(join(folder, 'empty'))
  const environment = { MCP_VAULT_KEY: generateKeyText() }
  const empty = await runCli(['doctor'], { ...environment, MCP_VAULT_FOLDER: join(folder, 'empty') })
  expect([empty.code, empty.out]).toEqual([0, expect.stringMatching(/^note +the login opens the store/m)])
  const inFile = await runCli(['doctor'], { ...environment, MCP_VAULT_FOLDER: join(folder, 'file', 'data') })
  expect([inFile.code, inFile.out]).toEqual([1, expect.stringMatching(/^WRONG +the login opens the store/m)])
})
