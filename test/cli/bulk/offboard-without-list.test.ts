import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy } from '../../harness/hashicorp-vault/vault-proxy.ts'
import { runHere } from '../../harness/processes/cli-process.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

// A login that may not list: of an owner's accounts, only those that somebody names can be looked for.

const ALICE = { issuer: 'https://login.example.com', subject: 'alice' }
const OWNER = ['--issuer', ALICE.issuer, '--subject', ALICE.subject]
const endings: (() => Promise<unknown>)[] = []
let backend: SecretBackend
let environment: NodeJS.ProcessEnv

beforeAll(async () => {
  const bao = await startOpenBao()
  const proxy = await startVaultProxy(bao.address)
  const mount = await bao.newMount()
  backend = vaultBackend({ address: bao.address, mount, auth: { method: 'token', token: ROOT_TOKEN }, warn: () => {} })
  await backend.open()
  endings.push(backend.close, proxy.close, bao.stop)
  proxy.fault('failing', ({ url }) => url.includes('list=true'))
  environment = {
    MCP_VAULT_BACKEND: 'vault',
    VAULT_ADDR: proxy.endpoint,
    VAULT_TOKEN: ROOT_TOKEN,
    VAULT_KV_MOUNT: mount,
  }
}, 60_000)
afterAll(async () => {
  for (const end of endings) await end()
})

async function offboard(...words: string[]) {
  const folder = join(await temporaryFolder(), 'audit')
  return runHere(['offboard', ...OWNER, ...words], { ...environment, MCP_AUDIT_FOLDER: folder })
}

const statusOf = async (provider: string) => (await backend.stat(storageKey(provider, ALICE), call())).status

test('a named provider: the command says that its other accounts were not looked for', async () => {
  await put(backend, storageKey('forge', ALICE), { pat: 'tok-1' })
  await put(backend, storageKey('forge@work', ALICE), { pat: 'tok-2' })
  const { code, out } = await offboard('--providers', 'forge')
  expect([code, await statusOf('forge'), await statusOf('forge@work')]).toEqual([1, 'revoked', 'active'])
  expect(out).toContain('Of forge, only the account without a name was looked for.')
  expect(JSON.parse((await offboard('--providers', 'forge', '--json')).out)).toMatchObject({ undeclared: ['forge'] })
}, 60_000)

test('with --tools, the accounts that the module declares are revoked too', async () => {
  await put(backend, storageKey('forge@work', ALICE), { pat: 'tok-3' })
  const module = join(await temporaryFolder(), 'tools.mjs')
  await writeFile(
    module,
    `export default (_, vault) => { for (const name of ['forge', 'forge@work', 'jira']) vault.attach({ name, label: name }, async () => {}) }`,
  )
  const { code, out } = await offboard('--providers', 'forge', '--tools', module)
  expect([code, await statusOf('forge@work')], out).toEqual([1, 'revoked'])
  expect(out).not.toContain('only the account without a name')
  expect(out).not.toContain('jira')
}, 60_000)
