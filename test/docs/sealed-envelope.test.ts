import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { put, valuesOf } from '../../src/testing/secret-backend/calls.ts'
import { createStores } from '../../src/vault/environment/create-stores.ts'
import { ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { blocksOf, installInto, shell } from '../harness/processes/run-page-commands.ts'
import { pythonCommand } from '../harness/processes/running-process.ts'

const PAGE = 'docs/backends/sealed-envelope.md'
const ALICE = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })

test('the page, followed word for word: set it up over a store with values, seal them, change the key', async () => {
  const bao = await startOpenBao()
  onTestFinished(() => bao.stop())
  const root = mkdtempSync(join(tmpdir(), 'envelope-page-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  installInto(root)
  symlinkSync(process.env['VAULT_BIN'] ?? pythonCommand('bao'), join(root, 'vault'))
  const plain = { MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: bao.address, VAULT_TOKEN: ROOT_TOKEN }
  const audit = { MCP_AUDIT_FOLDER: join(root, 'audit') }

  async function withBackend<T>(
    environment: NodeJS.ProcessEnv,
    work: (backend: SecretBackend) => Promise<T>,
  ): Promise<T> {
    const { backend } = createStores({ ...audit, ...environment })
    await backend.open()
    return work(backend).finally(() => backend.close())
  }
  const [setUp = ''] = blocksOf(PAGE, 'Set it up')
  const seal = blocksOf(PAGE, 'Seal what is there already').map((block) =>
    block.replaceAll('mcp/jira/…', `mcp/${ALICE.path}`),
  )
  const change = blocksOf(PAGE, 'Change the key')
  expect([seal.length, change.length]).toEqual([4, 5])
  const path = `${root}${delimiter}${process.env['PATH']}`
  const first = shell(setUp, root, { ...plain, ...audit, PATH: path })
  expect(await first.ended, first.output()).toBe(0)
  expect(first.output()).toContain('vault+sealed-envelope')

  await withBackend(plain, (backend) => put(backend, ALICE, { pat: 'tok-canary-before' }))
  const held = async (version: number) =>
    JSON.stringify((await bao.api('GET', `secret/data/mcp/${ALICE.path}?version=${version}`)).body)
  expect(await held(1)).toContain('tok-canary-before')
  const script = [...seal, ...change].join('\n')
  const environment = { ...plain, ...audit, MCP_SEALED_ENVELOPE_KEY_FILE: join(root, 'envelope.key'), PATH: path }
  const followed = shell(script, root, environment)
  expect(await followed.ended, followed.output()).toBe(0)
  expect(followed.output()).toContain('Rewrote 1 of 1 record; 0 already under the newest key.')
  expect(followed.output()).toMatch(/Would rewrite 0 of 1 record; 1 already under the newest key\.\n$/)
  expect(followed.output()).not.toContain('tok-canary')

  for (const version of [1, 2, 3]) expect(await held(version).catch(() => '')).not.toContain('tok-canary')
  const sealed = { ...plain, MCP_SEALED_ENVELOPE_KEY_FILE: join(root, 'envelope-2.key') }
  expect(await withBackend(sealed, (backend) => valuesOf(backend, ALICE))).toEqual({ pat: 'tok-canary-before' })
})
