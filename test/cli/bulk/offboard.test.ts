import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { put, statusOfAll } from '../../../src/testing/secret-backend/calls.ts'
import { createStores } from '../../../src/vault/environment/create-stores.ts'
import { type EmulatedAws, startEmulatedAws } from '../../harness/aws/emulated-aws.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy, type VaultProxy } from '../../harness/hashicorp-vault/vault-proxy.ts'
import { runCli } from '../../harness/processes/run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'offboard-'))
const ISSUER = 'https://login.example.com'
const SECRET = 'tok-canary-77f1c09a2e'
const ALICE = ['--issuer', ISSUER, '--subject', 'auth0|alice']

let bao: OpenBao
let vaultProxy: VaultProxy
let moto: EmulatedAws
let ministack: EmulatedAws

beforeAll(async () => {
  await sodiumReady()
  bao = await startOpenBao()
  vaultProxy = await startVaultProxy(bao.address)
  moto = await startEmulatedAws('moto')
  ministack = await startEmulatedAws('ministack')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await Promise.all([vaultProxy.close(), bao.stop(), moto.close(), ministack.close()])
  rmSync(folder, { recursive: true })
})

const ENVIRONMENTS: Readonly<Record<string, () => Promise<NodeJS.ProcessEnv>>> = {
  'sealed-file': async () => ({ MCP_VAULT_FOLDER: join(folder, 'data'), MCP_VAULT_KEY: generateKeyText() }),
  vault: async () => ({
    MCP_VAULT_BACKEND: 'vault',
    VAULT_ADDR: vaultProxy.endpoint,
    VAULT_TOKEN: ROOT_TOKEN,
    VAULT_KV_MOUNT: await bao.newMount(),
  }),
  moto: async () => ({ MCP_VAULT_BACKEND: 'aws-secrets-manager', ...moto.variables }),
  ministack: async () => ({ MCP_VAULT_BACKEND: 'aws-secrets-manager', ...ministack.variables }),
}

/** Breaks the revocation of `gitlab` alone. */
const BREAK: Readonly<Record<string, { breaks(): void; mends(): void }>> = {
  vault: {
    breaks: () =>
      vaultProxy.fault(
        'denied',
        ({ url, method }) => url.includes('/gitlab/') && method !== 'GET' && method !== 'LIST',
      ),
    mends: () => vaultProxy.fault('none'),
  },
}

async function withBackend<T>(
  environment: NodeJS.ProcessEnv,
  work: (backend: SecretBackend) => Promise<T>,
): Promise<T> {
  const { backend, pendingStore, audit } = createStores(environment)
  await backend.open()
  try {
    return await work(backend)
  } finally {
    await Promise.all([backend.close(), pendingStore.shutdown(), audit.close()])
  }
}

describe.each(Object.keys(ENVIRONMENTS))('%s', (name) => {
  let environment: NodeJS.ProcessEnv
  const operate = async (...words: string[]) => {
    const done = await runCli(words, environment)
    expect(done.out + done.error).not.toContain('tok-canary')
    return done
  }
  const logTypes = () => {
    const log = environment['MCP_AUDIT_FOLDER'] ?? ''
    const lines = readdirSync(log).flatMap((file) => readFileSync(join(log, file), 'utf8').trim().split('\n'))
    return lines.map(
      (line) => JSON.parse(line) as { type: string; provider?: string; outcome: string; reason?: string },
    )
  }

  beforeAll(async () => {
    environment = { MCP_AUDIT_FOLDER: join(folder, `audit-${name}`), ...(await ENVIRONMENTS[name]?.()) }
    // For the backends that the test opens itself: the SDK reads these from the process.
    for (const [variable, value] of Object.entries(environment))
      if (variable.startsWith('AWS_')) vi.stubEnv(variable, value)
    await withBackend(environment, async (backend) => {
      for (const [provider, subject] of [
        ['jira', 'auth0|alice'],
        ['gitlab', 'auth0|alice'],
        ['jira', 'bob'],
      ] as const)
        await put(backend, storageKey(provider, { issuer: ISSUER, subject }), { pat: SECRET })
      // The same subject at another issuer is another person.
      await put(backend, storageKey('jira', { issuer: `${ISSUER}/other`, subject: 'auth0|alice' }), { pat: SECRET })
    })
  }, 60_000)

  test('offboard --dry-run lists what it would revoke, and changes nothing', async () => {
    const { code, out } = await operate('offboard', ...ALICE, '--dry-run')
    expect([code, out.match(/would be revoked/g)]).toEqual([0, ['would be revoked', 'would be revoked']])
    const statuses = await withBackend(environment, statusOfAll)
    expect([...statuses.values()]).toEqual(['active', 'active', 'active', 'active'])
  })

  test('offboard of somebody who has nothing says what was checked, and ends with 3', async () => {
    const nobody = ['--issuer', ISSUER, '--subject', 'auth0|alicia']
    const { code, out } = await operate('offboard', ...nobody)
    expect(code).toBe(3)
    expect(out).toContain(`Nothing was found for auth0|alicia (issuer ${ISSUER}).`)
    expect(out).toContain("Checked: the backend's list, with 4 credentials of all owners.\n")
    expect(out).toMatch(/^Not checked.*\n(?: {2}.*\n)* {2}the owner's sign-in at the form of running servers.*until/m)
    expect(out).not.toContain('Delete the tokens')
    const json = await operate('offboard', ...nobody, '--providers', 'jira,gitlab', '--json')
    expect([json.code, json.json()]).toMatchObject([
      3,
      {
        listed: 4,
        credentials: [
          { provider: 'jira', result: 'absent' },
          { provider: 'gitlab', result: 'absent' },
        ],
        remaining: expect.arrayContaining([expect.objectContaining({ what: 'browser_sessions' })]),
      },
    ])
    const named = await operate('offboard', ...nobody, '--providers', 'jira,gitlab')
    expect([named.code, named.out]).toEqual([3, expect.stringContaining('of all owners; and by name jira, gitlab.\n')])
    const dry = await operate('offboard', ...nobody, '--dry-run')
    expect([dry.code, dry.out.split('\n').length]).toEqual([3, 3])
  })

  test('offboard revokes all of the owner, and says what it cannot end and what is left at the services', async () => {
    const fault = BREAK[name]
    if (fault) {
      fault.breaks()
      const half = await operate('offboard', ...ALICE, '--json')
      fault.mends()
      expect(half).toMatchObject({ code: 1 })
      expect(half.json()['credentials']).toEqual([
        { provider: 'gitlab', result: 'failed', error: 'forbidden' },
        { provider: 'jira', result: 'revoked' },
      ])
    }
    const { code, out } = await operate('offboard', ...ALICE)
    expect(code).toBe(1)
    expect(out).toMatch(/^gitlab +revoked$/m)
    expect(out).toMatch(fault ? /^jira +revoked already$/m : /^jira +revoked$/m)
    expect(out).toContain('Delete the tokens at the services too. They still work there:\n  gitlab\n  jira\n')
    expect(out).toMatch(/sign-in at the form of running servers.*, until \d{4}-.*Z \(MCP_SESSION_MAX_SECONDS\)/)
    expect(out).toMatch(/links to the form that wait for the owner, until .* \(MCP_LINK_TTL_SECONDS\)/)
    expect(out.includes('(MCP_CACHE_SECONDS)')).toBe(name !== 'sealed-file')
    const statuses = await withBackend(environment, statusOfAll)
    expect([...statuses.values()].sort()).toEqual(['active', 'active', 'revoked', 'revoked'])
    const revoked = logTypes().filter(
      ({ type, outcome, reason }) =>
        type === 'credential.revoked' && outcome === 'success' && reason !== 'nothing_to_revoke',
    )
    expect(revoked.map(({ provider }) => provider).sort()).toEqual(['gitlab', 'jira'])

    const again = (await operate('offboard', ...ALICE, '--json')).json()
    expect(again['credentials']).toEqual([
      { provider: 'gitlab', result: 'already_revoked' },
      { provider: 'jira', result: 'already_revoked' },
    ])
  })

  test('revoke --all revokes those of one provider, after --yes', async () => {
    const refused = await operate('revoke', '--all', '--provider', 'jira')
    expect([refused.code, refused.error]).toEqual([2, expect.stringContaining('--dry-run, then add --yes')])
    const dry = await operate('revoke', '--all', '--provider', 'jira', '--dry-run', '--json')
    expect(dry.json()).toMatchObject({ dryRun: true, failed: 0 })
    expect((dry.json()['credentials'] as unknown[]).length).toBe(2)
    const { code, out } = await operate('revoke', '--all', '--provider', 'jira', '--yes')
    expect([code, out]).toEqual([
      0,
      expect.stringContaining('2 credentials of jira revoked.\n1 credential was revoked already.\n'),
    ])
    const again = await operate('revoke', '--all', '--provider', 'jira', '--yes')
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('3 credentials were revoked already')])
    expect((await operate('revoke', '--all', '--provider', 'jra', '--yes')).code).toBe(3)
  })

  test('expiring reads what the backend knows, and rollback says whether marks can be taken back', async () => {
    const keyOfBob = storageKey('jira', { issuer: ISSUER, subject: 'bob' })
    const save = (labels = {}) =>
      withBackend(environment, (backend) => put(backend, keyOfBob, { pat: SECRET }, { labels }))
    await save()
    const open = await operate('expiring', '--within', '30d', '--json')
    expect([open.code, open.json()]).toEqual([0, { credentials: [], withoutExpiry: 1 }])
    await save({ expiresAt: new Date(Date.now() + 10 * 86_400_000) })
    const soon = await operate('expiring', '--within', '30d', '--json')
    expect([soon.code, soon.json()]).toMatchObject([0, { credentials: [{ subject: 'bob', state: 'active' }] }])
    expect((await operate('expiring', '--within', '9d', '--json')).json()).toEqual({
      credentials: [],
      withoutExpiry: 0,
    })
    const bob = ['--provider', 'jira', '--issuer', ISSUER, '--subject', 'bob']
    const stores = await withBackend(environment, async (backend) => backend.markRejected !== undefined)
    const { code, out, error } = await operate('rollback', ...bob)
    if (stores) expect([code, out]).toEqual([0, expect.stringContaining('is not marked as rejected')])
    else
      expect([code, error]).toEqual([1, expect.stringContaining(`The ${name} backend stores no marks of rejections`)])
    expect((await operate('rollback', ...bob.slice(0, 4), '--subject', 'nobody')).code).toBe(3)
  })

  test('orphans lists what has no provider or owner left', async () => {
    const { code, out } = await operate('orphans', '--providers', 'jira')
    expect([code, out]).toEqual([0, expect.stringContaining('1 orphan among 4 credentials.')])
    expect(out).toMatch(/^gitlab +\S+ +auth0\|alice +revoked +\S+ +provider$/m)
  })
})

test('offboard that finds nothing in a list with a damaged record ends with 1', async () => {
  const store = join(folder, 'damaged')
  const environment = {
    MCP_VAULT_FOLDER: store,
    MCP_VAULT_KEY: generateKeyText(),
    MCP_AUDIT_FOLDER: join(folder, 'audit-damaged'),
  }
  await withBackend(environment, async (backend) => {
    const bob = storageKey('jira', { issuer: ISSUER, subject: 'bob' })
    await put(backend, bob, { pat: SECRET })
    await put(backend, storageKey('jira', { issuer: ISSUER, subject: 'carol' }), { pat: SECRET })
    writeFileSync(backend.locate(bob).replace('*', '1'), 'damaged')
  })
  const { code, out } = await runCli(['offboard', ...ALICE], environment)
  expect([code, out]).toEqual([1, expect.stringContaining('(record_tampered): others may be left.')])
  expect(out).not.toContain('Nothing was found')
})
