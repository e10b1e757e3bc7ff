import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { put, valuesOf } from '../../src/testing/secret-backend/calls.ts'
import { blocksOf, installInto, shell } from '../harness/processes/run-page-commands.ts'
import { lettingKeysAge } from '../harness/sealed-file/store-keys.ts'

const PAGE = 'docs/backends/sealed-file.md'
const ALICE = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })

let root: string
const environment = () => ({ MCP_VAULT_FOLDER: join(root, 'data'), MCP_VAULT_KEY_FILE: join(root, 'vault.key') })

/** Runs a block of the page in the operator's folder and returns what it prints. */
async function follow(block: string | undefined): Promise<string> {
  if (block === undefined) throw new Error('the page has no such block')
  const followed = shell(block, root, environment())
  expect(await followed.ended, followed.output()).toBe(0)
  return followed.output()
}

const backend = () => sealedFile({ folder: environment().MCP_VAULT_FOLDER, keyFile: environment().MCP_VAULT_KEY_FILE })

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'keys-page-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  installInto(root)
  writeFileSync(environment().MCP_VAULT_KEY_FILE, generateKeyText(), { mode: 0o600 })
})

test('the section on keys, followed word for word, while a server runs', async () => {
  const server = backend()
  await server.open()
  onTestFinished(() => server.close())
  await put(server, ALICE, { pat: 'token' })
  const [rotateAndReseal, retire] = blocksOf(PAGE, "Rotate the store's own keys")
  const resealed = await follow(rotateAndReseal)
  expect(resealed).toContain('Would rewrite 1 of 1 record;')
  expect(resealed).toContain('Rewrote 1 of 1 record;')
  await lettingKeysAge({
    folder: environment().MCP_VAULT_FOLDER,
    key: readFileSync(environment().MCP_VAULT_KEY_FILE, 'utf8'),
  })
  expect(await follow(retire)).toMatch(/Would remove (\w+)\.[\s\S]*Removed \1\./)

  const [rewrap] = blocksOf(PAGE, 'Change the store key')
  expect(await follow(rewrap)).toContain('The audit log until now is verified with: audit verify --key ')
  expect(await valuesOf(server, ALICE)).toEqual({ pat: 'token' })
  await put(server, ALICE, { pat: 'saved with the new store key' })

  const [compromise] = blocksOf(PAGE, 'After a key was exposed')
  expect(await follow(compromise)).toMatch(/jira +https:\/\/login\.example\.com +alice +current +active/)
  const restarted = backend()
  await restarted.open()
  onTestFinished(() => restarted.close())
  expect(await valuesOf(restarted, ALICE)).toEqual({ pat: 'saved with the new store key' })
})
