import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { createHealth } from '../../src/core/journal/health.ts'
import { createJournal } from '../../src/core/journal/journal.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { defineVariables } from '../../src/core/model/variables.ts'
import { type Credentials, createCredentials } from '../harness/credential-services.ts'

/**
 * Works on a disk until that refuses, and checks that nothing was lost. Arguments: what happens to the disk, the folder on it, and a
 * folder on another disk. Ends with the refusals as JSON, or with an assertion.
 */
const [mode = '', disk = '', elsewhere = ''] = process.argv.slice(2)
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
const store = join(disk, 'store')
const context = { correlationId: 'disk' }
const keyOf = (subject: string) => storageKey('jira', { issuer: 'https://login.example.com', subject })

const warnings: string[] = []

const refusals = mode === 'full' ? await fill() : await makeReadOnly()
process.stdout.write(JSON.stringify(refusals))

async function fill(): Promise<object> {
  const acknowledged = new Map<string, string>()
  const saveNew = async (credentials: Credentials, size: number) => {
    const subject = `owner-${acknowledged.size}`
    const pat = `${subject} `.padEnd(size, 'x')
    await credentials.save(keyOf(subject), { pat }, context)
    acknowledged.set(subject, pat)
  }
  const { credentials, close } = await openVault(join(disk, 'audit'))
  for (let i = 0; i < 3; i += 1) await saveNew(credentials, 20)
  const save = await refusalOf(() => saveNew(credentials, 7000))
  const audit = await refusalOf(() => saveNew(credentials, 20), 'audit_unavailable')
  // Nothing is handed out that cannot be written down, and whatever happens a revocation is done.
  const release = await refusalOf(() => credentials.release(keyOf('owner-0'), variables, context))
  assert.equal(await credentials.revoke(keyOf('owner-1'), { purge: false }, context), true)
  await close()
  const again = await openVault(join(elsewhere, 'audit'))
  for (const [subject, pat] of acknowledged) {
    const found = await again.backend.read(keyOf(subject), { signal: AbortSignal.timeout(5000), ...context })
    if (subject === 'owner-1') assert.equal(found.status, 'revoked')
    else assert.deepEqual(found.status === 'active' && { ...found.values }, { pat })
  }
  await again.close()
  assert.deepEqual(readdirSync(join(store, 'tmp')), [])
  return { save, audit, release, saved: acknowledged.size }
}

async function makeReadOnly(): Promise<object> {
  const before = await openVault(join(disk, 'audit'))
  await before.credentials.save(keyOf('kept'), { pat: 'the kept value' }, context)
  await before.close()
  // Another user does not get into the folder of the first one.
  mkdirSync(join(elsewhere, 'audit'))
  const writable = mode === 'read-only-mount' ? remounted() : withoutPermission()

  assert.deepEqual(warnings, [])
  const same = await openVault(join(disk, 'audit'))
  const save = await refusalOf(() => same.credentials.save(keyOf('kept'), { pat: 'another value' }, context))
  const release = await refusalOf(() => same.credentials.release(keyOf('kept'), variables, context))
  const revoke = await refusalOf(() => same.credentials.revoke(keyOf('kept'), { purge: false }, context))
  await same.close()
  const other = await openVault(join(elsewhere, 'audit'))
  const saveAudited = await refusalOf(() => other.credentials.save(keyOf('kept'), { pat: 'another value' }, context))
  assert.equal((await other.credentials.release(keyOf('kept'), variables, context))['pat'], 'the kept value')
  await other.close()

  writable()
  const after = await openVault(join(disk, 'audit'))
  assert.equal((await after.credentials.release(keyOf('kept'), variables, context))['pat'], 'the kept value')
  await after.credentials.save(keyOf('kept'), { pat: 'a new value' }, context)
  assert.equal(await after.credentials.revoke(keyOf('kept'), { purge: false }, context), true)
  await after.close()
  assert.deepEqual(readdirSync(join(store, 'tmp')), [])
  return { save, saveAudited, release, revoke, warning: warnings[0] }
}

async function openVault(auditFolder: string) {
  const backend = sealedFile({ folder: store, warn: (message) => warnings.push(message) })
  await backend.open()
  const audit = jsonLinesAudit({ folder: auditFolder, warn: () => {} })
  await audit.open?.(backend.deriveKey?.('audit'))
  const health = createHealth(() => {})
  const credentials = createCredentials({ backend, journal: createJournal({ audit, health }), health, cacheTtl: 0 })
  return {
    backend,
    credentials,
    async close() {
      credentials.close()
      await audit.close()
      await backend.close()
    },
  }
}

/** Repeats the work until it is refused, with this code when one is given. */
async function refusalOf(work: () => Promise<unknown>, code?: string): Promise<string> {
  for (let i = 0; i < 2000; i += 1) {
    try {
      await work()
      if (code === undefined && mode !== 'full') break
    } catch (error) {
      assert.ok(error instanceof CredentialVaultError, String(error))
      if (code === undefined || error.code === code) return `${error.code} ${error.reason}`
    }
  }
  assert.fail('it was never refused')
}

function remounted(): () => void {
  const remount = (option: string) => {
    const { status } = spawnSync('mount', ['-o', `remount,${option}`, disk])
    assert.equal(status, 0)
  }
  remount('ro')
  return () => remount('rw')
}

function withoutPermission(): () => void {
  const paths = [disk, ...readdirSync(disk, { recursive: true, encoding: 'utf8' }).map((name) => join(disk, name))]
  // The superuser may write everywhere, so the rest is done by somebody else.
  const stranger = 65_534
  if (process.getuid?.() === 0) {
    for (const path of [...paths, elsewhere, join(elsewhere, 'audit')]) chownSync(path, stranger, stranger)
    process.setgid?.(stranger)
    process.setuid?.(stranger)
  }
  const folders = paths.filter((path) => !/\.jsonl$|keyring$|\.\d+$/.test(path))
  for (const folder of folders) chmodSync(folder, 0o500)
  return () => {
    for (const folder of folders) chmodSync(folder, 0o700)
  }
}
