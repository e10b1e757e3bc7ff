import { writeSync } from 'node:fs'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { createHealth } from '../../src/core/journal/health.ts'
import { createJournal } from '../../src/core/journal/journal.ts'
import { isCredentialVaultError } from '../../src/core/model/errors.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { defineVariables } from '../../src/core/model/variables.ts'
import { type Credentials, createCredentials } from '../harness/credential-services.ts'
import { DONE, format, ISSUER, LOADED, PROVIDER, type Step } from './protocol.ts'

/**
 * A process that is killed: saves, revokes, saves again, purges, reads and opens the store anew, through the same service as the real
 * server, and says on standard output what it begins and what was acknowledged. Arguments: store, audit folder, name, rounds, steps in
 * a round, a word that no other process of this store was given, and how many milliseconds its clock is ahead. The key comes from the
 * environment. Every name has credentials of its own, and all share `common`.
 */
const [store = '', auditFolder = '', name = '', rounds = '1', steps = '6', run = '', ahead = '0'] =
  process.argv.slice(2)
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
const LANES = 3
const STEPS: readonly Step[] = ['save', 'read', 'revoke', 'save', 'save', 'purge', 'revoke', 'save', 'read']
let serial = 0

if (ahead !== '0') {
  const now = Date.now
  Date.now = () => now() + Number(ahead)
}
say(LOADED)
for (let round = 0; round < Number(rounds); round += 1) {
  const backend = sealedFile({ folder: store })
  const audit = jsonLinesAudit({ folder: auditFolder })
  await backend.open()
  await audit.open?.(backend.deriveKey?.('audit'))
  // What is served from memory would say nothing about the disk.
  const health = createHealth(() => {})
  const credentials = createCredentials({ backend, journal: createJournal({ audit, health }), health, cacheTtl: 0 })
  await Promise.all(Array.from({ length: LANES }, (_, lane) => walk(credentials, lane)))
  credentials.close()
  await audit.close()
  await backend.close()
}
say(DONE)

async function walk(credentials: Credentials, lane: number): Promise<void> {
  const start = Math.floor(Math.random() * STEPS.length)
  for (let i = 0; i < Number(steps); i += 1) {
    const subject = lane === LANES - 1 ? 'common' : `${name}-${lane}-${Math.floor(Math.random() * 2)}`
    await take(credentials, subject, STEPS[(start + i) % STEPS.length] ?? 'save')
  }
}

async function take(credentials: Credentials, subject: string, step: Step): Promise<void> {
  const id = `${run}.${serial++}`
  const key = storageKey(PROVIDER, { issuer: ISSUER, subject })
  const value = `token-of-${id}`
  const context = { correlationId: id }
  tell('+', step === 'save' ? value : '?')
  switch (step) {
    case 'save':
      await credentials.save(key, { pat: value }, context)
      return tell('-', 'yes')
    case 'read':
      return tell('-', await read())
    default:
      return tell('-', (await credentials.revoke(key, { purge: step === 'purge' }, context)) ? 'yes' : 'no')
  }

  function tell(kind: '+' | '-', detail: string): void {
    say(format({ kind, id, at: Number(process.hrtime.bigint()), subject, step, detail }))
  }

  async function read(): Promise<string> {
    try {
      return `active:${(await credentials.release(key, variables, context))['pat']}`
    } catch (error) {
      if (isCredentialVaultError(error, 'credential_absent')) return 'absent'
      if (isCredentialVaultError(error, 'credential_revoked')) return 'revoked'
      throw error
    }
  }
}

/** In one write, so that what was said before a kill is in the pipe. */
function say(line: string): void {
  writeSync(1, `${line}\n`)
}
