import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { compiled } from '../../harness/processes/compile-module.ts'
import { lostOf, savedOf, saveMany } from '../../harness/sealed-file/many-records.ts'
import { type BusyUsers, startBusyUsers } from '../../harness/sealed-file/start-busy-users.ts'
import { headersIn, lettingKeysAge } from '../../harness/sealed-file/store-keys.ts'

export interface ResealKillsReport {
  readonly records: number
  readonly kills: number
  /** Saves that the users' process acknowledged meanwhile. */
  readonly saves: number
  /** Kills after which some records were under the new key and others were not. */
  readonly midway: number
  /** Longest pass that was not killed, in milliseconds. */
  readonly passMs: number
  readonly problems: readonly string[]
}

/** `rewriting`: since the first record was rewritten. */
interface Moment {
  readonly after: 'start' | 'rewriting'
  readonly milliseconds: number
}

/** Most moments are in the middle of the rewriting, which takes about two milliseconds for each record. */
function momentOf(records: number): Moment {
  if (Math.random() < 0.15) return { after: 'start', milliseconds: Math.random() * 1500 }
  return { after: 'rewriting', milliseconds: Math.random() * records * 1.5 * Math.random() }
}

interface Killed {
  readonly code: number | null
  readonly error: string
  readonly milliseconds: number
}

/**
 * Rotates and reseals a store of so many records, killing the commands at random moments and running them again, while users of another
 * process save and read. After each kill the keyring opens and a sample of the records does; at the end all do, under one key, the users'
 * last saves are there, and the earlier keys can be retired.
 */
export async function killReseals(
  { records, kills, users }: { readonly records: number; readonly kills: number; readonly users: number },
  onProgress: (killsSoFar: number) => void = () => {},
): Promise<ResealKillsReport> {
  const root = await mkdtemp(join(tmpdir(), 'reseal-kills-'))
  const place = { folder: join(root, 'store'), keyFile: join(root, 'vault.key') }
  const main = compiled(join(import.meta.dirname, '../../../src/cli/main.ts'))
  const problems: string[] = []
  let done = 0
  let midway = 0
  let passMs = 0
  let busy: BusyUsers | undefined
  try {
    await writeFile(place.keyFile, generateKeyText(), { mode: 0o600 })
    await saveMany(place, records)
    const manyIds = new Set((await headersIn(place.folder)).map(({ id }) => id))
    busy = startBusyUsers(place, { users, records })
    while (done < kills && problems.length === 0) {
      // A killed "rotate" made a new key or none; both are good.
      if (done % 8 === 0) await command(['keys', 'rotate'], { after: 'start', milliseconds: Math.random() * 1500 })
      const whole = await command(['keys', 'rotate'])
      if (whole.code !== 0) problems.push(`rotate: ${whole.error}`)
      for (let round = 0; round < 8 && done < kills; round += 1) await killOne(manyIds)
      await passToEnd()
      onProgress(done)
    }
    await checkUsers(busy)
    if (problems.length === 0) await checkEnd()
    return { records, kills: done, saves: busy.saves(), midway, passMs, problems }
  } finally {
    busy?.kill()
    await rm(root, { recursive: true, force: true })
  }

  async function killOne(manyIds: ReadonlySet<string>): Promise<void> {
    await command(['keys', 'reseal'], momentOf(records))
    done += 1
    if ((await newestKeys(manyIds)).size > 1) midway += 1
    const lost = await lostOf(place, Math.min(records, 200))
    problems.push(...lost.map((one) => `after kill ${done}: ${one}`))
  }

  async function passToEnd(): Promise<void> {
    const pass = await command(['keys', 'reseal'])
    passMs = Math.max(passMs, pass.milliseconds)
    if (pass.code !== 0) problems.push(`after ${done} kills: ${pass.error}`)
    const [, counted, total] = pass.error.trim().match(/(\d+) of (\d+) records$/) ?? []
    if (counted !== total || Number(total) < records) problems.push(`progress after ${done} kills: ${pass.error}`)
  }

  async function checkUsers(users: BusyUsers): Promise<void> {
    const { code, last, wrong } = await users.end()
    problems.push(...wrong)
    if (code !== 0) problems.push(`users: ended with ${code}`)
    for (const [subject, number] of last) {
      const found = await savedOf(place, subject)
      if (found !== number) problems.push(`${subject}: ${found} in place of ${number}`)
    }
    await passToEnd()
  }

  async function checkEnd(): Promise<void> {
    const lost = await lostOf(place, records)
    problems.push(...lost.map((one) => `at the end: ${one}`))
    const sealKeys = new Set((await headersIn(place.folder)).map(({ sealKey }) => sealKey))
    if (sealKeys.size !== 1) problems.push(`at the end: records under ${sealKeys.size} keys`)
    await lettingKeysAge({ folder: place.folder, key: await readFile(place.keyFile, 'utf8') })
    const retired = await command(['keys', 'retire'])
    if (retired.code !== 0) problems.push(`retire: ${retired.error}`)
    problems.push(...(await lostOf(place, records)).map((one) => `after retire: ${one}`))
    const left = (await readdir(join(place.folder, 'tmp'))).length
    if (left > done * 6) problems.push(`${left} temporary files`)
  }

  async function newestKeys(ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const headers = (await headersIn(place.folder)).filter(({ id }) => ids.has(id))
    return new Set(new Map(headers.map(({ id, sealKey }) => [id, sealKey])).values())
  }

  /** @param kill when to kill it; undefined lets it end */
  async function command(words: readonly string[], kill?: Moment): Promise<Killed> {
    const started = performance.now()
    const child = spawn(process.execPath, [main, ...words], {
      env: { PATH: process.env['PATH'], MCP_VAULT_FOLDER: place.folder, MCP_VAULT_KEY_FILE: place.keyFile },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let error = ''
    const closed = once(child, 'close')
    const reached = new Promise<void>((resolve) => {
      if (kill?.after === 'start') resolve()
      child.stderr.on('data', (chunk) => {
        error += String(chunk)
        if (error.includes('keys reseal: 1 of')) resolve()
      })
    })
    if (kill) {
      await Promise.race([closed, reached.then(() => delay(kill.milliseconds))])
      child.kill('SIGKILL')
    }
    await closed
    return { code: child.exitCode, error, milliseconds: performance.now() - started }
  }
}
