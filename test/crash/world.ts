import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditKeys, importPublicKey } from '../../src/audit/line/audit-keys.ts'
import { verifyLog } from '../../src/audit/verify/verify-log.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { isCredentialVaultError } from '../../src/core/model/errors.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { CredentialLookup, SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { call, put, statusOfAll } from '../../src/testing/secret-backend/calls.ts'
import { createAuditLines } from './audit-lines.ts'
import { createHistory, type Found } from './history.ts'
import { ISSUER, PROVIDER } from './protocol.ts'
import { killed, type Moment } from './victim.ts'

/** What happened in one store. */
export interface WorldReport {
  readonly kills: number
  readonly acknowledged: number
  /** Kills that hit at least one step in flight. */
  readonly inFlight: number
  /** Files that the kills had left in `tmp`, before the sweep. */
  readonly leftovers: number
  readonly problems: readonly string[]
}

/** Each process has so many steps in flight, and each step at most one temporary file. */
const LANES = 3
const ALL: ReadonlySet<string> = new Set(['all'])
const AN_HOUR_AND_MORE = 3_700_000

/** One store, whose processes are killed `kills` times. After every kill it is opened and compared with what was acknowledged. */
export async function sufferKills(script: string, kills: number): Promise<WorldReport> {
  const parent = await mkdtemp(join(tmpdir(), 'crash-'))
  try {
    return await suffer(script, kills, { store: join(parent, 'store'), audit: join(parent, 'audit') })
  } finally {
    await rm(parent, { recursive: true, force: true })
  }
}

async function suffer(
  script: string,
  kills: number,
  { store, audit }: { readonly store: string; readonly audit: string },
): Promise<WorldReport> {
  const key = generateKeyText()
  const history = createHistory()
  const lines = createAuditLines(audit)
  const problems: string[] = []
  let acknowledged = 0
  let inFlight = 0
  let done = 0

  const victim = (name: string, moment: Moment) =>
    killed(script, [store, audit, name, '1000', '6', `${name}${done}`], key, moment)

  while (done < kills && problems.length === 0) {
    const names = kills - done > 1 && Math.random() < 0.3 ? ['a', 'b'] : ['a']
    const remains = await Promise.all(names.map((name) => victim(name, someMoment(done))))
    done += names.length
    for (const { messages, goneAt, problems: found } of remains) {
      problems.push(...found)
      history.add(messages, goneAt)
      const answers = messages.filter(({ kind }) => kind === '-').length
      acknowledged += answers
      if (messages.length > 2 * answers) inFlight += 1
    }
    problems.push(...(await lines.readNew()))
    for (const { messages } of remains) problems.push(...lines.missing(messages))
    problems.push(...history.wrongReads(), ...(await checkStore()))
  }
  const leftovers = (await temporaries()).length
  if (leftovers > done * LANES) problems.push(`${leftovers} temporary files after ${done} kills`)
  if (problems.length === 0) problems.push(...(await checkSweep()))
  return { kills: done, acknowledged, inFlight, leftovers, problems }

  async function checkStore(): Promise<readonly string[]> {
    const backend = sealedFile({ folder: store, key })
    try {
      await backend.open()
      const found: string[] = []
      for (const subject of history.subjects()) found.push(...(await checkCredential(backend, subject)))
      await statusOfAll(backend)
      found.push(...(await checkLog(backend)))
      await put(backend, keyOf('after'), { pat: `after ${done}` })
      if (textOf(await backend.read(keyOf('after'), call())) !== `active:after ${done}`)
        found.push('the store does not go on')
      return found
    } catch (error) {
      return [`after kill ${done}: ${describe(error)}`]
    } finally {
      await backend.close()
    }
  }

  /** Killed writers leave their logs unclosed, and at most a write that was cut off: nothing else may be wrong. */
  async function checkLog(backend: SecretBackend): Promise<readonly string[]> {
    const publicKey = importPublicKey(auditKeys(backend.deriveKey?.('audit') ?? new Uint8Array()).publicKey)
    const report = await verifyLog({ folder: audit, keys: publicKey ? [publicKey] : [], acceptUnclosed: ALL })
    return (
      report.findings
        .filter(({ severity, kind }) => severity !== 'note' && kind !== 'tail_unsigned')
        // Killed before the first signed line: there is none to lose yet.
        .filter(({ kind }) => kind !== 'current_key_unseen' || report.lines > 0)
        .map(({ kind, file, line, detail }) => `after kill ${done}: ${kind} ${file}:${line} ${detail}`)
    )
  }

  async function checkCredential(backend: SecretBackend, subject: string): Promise<readonly string[]> {
    const found = textOf(await backend.read(keyOf(subject), call()))
    const allowed = history.allowed(subject)
    const announced = found.startsWith('active:token-of-')
      ? lines.has(found.slice('active:token-of-'.length), 'credential.storing')
      : true
    return [
      ...(allowed.has(found) ? [] : [`after kill ${done}: ${subject} is ${found}, not ${[...allowed].join(' or ')}`]),
      ...(announced ? [] : [`${subject} is ${found} without the line that announces it`]),
    ]
  }

  async function temporaries(): Promise<readonly string[]> {
    return readdir(join(store, 'tmp')).catch(() => [])
  }

  /** A process whose clock is ahead finds every leftover old enough. */
  async function checkSweep(): Promise<readonly string[]> {
    const forEver = { after: 'messages', count: Number.POSITIVE_INFINITY, milliseconds: 0 } as const
    const parameters = [store, audit, 'sweep', '1', '0', 'sweep', String(AN_HOUR_AND_MORE)]
    await killed(script, parameters, key, forEver)
    const left = await temporaries()
    return left.length === 0 ? [] : [`${left.length} temporary files after the sweep`]
  }
}

function someMoment(killsSoFar: number): Moment {
  const dice = Math.random()
  // A new store is made by the first process that gets so far.
  if (killsSoFar < 3 || dice < 0.15) return { after: 'load', milliseconds: Math.random() * 12 }
  if (dice < 0.25) return { after: 'start', milliseconds: Math.random() * 120 }
  return { after: 'messages', count: 1 + Math.floor(Math.random() * 60), milliseconds: Math.random() * 4 }
}

function keyOf(subject: string) {
  return storageKey(PROVIDER, { issuer: ISSUER, subject })
}

function textOf(found: CredentialLookup): Found {
  return found.status === 'active' ? `active:${found.values['pat']}` : found.status
}

function describe(error: unknown): string {
  return isCredentialVaultError(error) ? `${error.code} ${error.reason}: ${error.message}` : String(error)
}
