import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { streamAnchor } from '../../../src/audit/anchors/stream-anchor.ts'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { auditExport } from '../../../src/cli/audit/export.ts'
import { auditKey } from '../../../src/cli/audit/key.ts'
import { auditReconcile } from '../../../src/cli/audit/reconcile.ts'
import { auditShow } from '../../../src/cli/audit/show.ts'
import { auditTail } from '../../../src/cli/audit/tail.ts'
import { auditVerify } from '../../../src/cli/audit/verify.ts'
import { expectThat, type Flow, flow } from '../flow.ts'
import { runs } from './operator.ts'

/** What reads the log, what it writes elsewhere, and what happens when it cannot be read or written. */
export const auditLog: readonly Flow[] = [
  flow('audit show, tail, export, verify and key', async (world) => {
    await world.saved()
    await world.clients.plain.call()
    for (const command of [auditShow, auditTail, auditExport, auditKey]) await runs(world, 0, { command, words: [] })
    await runs(world, 0, { command: auditExport, words: ['--format', 'csv'] })
    await runs(world, 0, { command: auditShow, words: ['--user', world.owner.subject] })
    await runs(world, 0, { command: auditVerify, words: ['--store'] })
  }),
  flow('audit with pseudonyms', async (world) => {
    await world.saved()
    const environment = { MCP_AUDIT_SUBJECTS: 'pseudonym' }
    await runs(world, 0, { command: auditShow, words: ['--user', world.owner.subject], environment })
  }),
  flow('audit of a log that is damaged', async (world) => {
    await world.saved()
    const folder = join(world.root, 'copied-log')
    mkdirSync(folder)
    const log = join(world.dataFolder, 'audit')
    for (const name of readdirSync(log)) writeFileSync(join(folder, name), readFileSync(join(log, name)))
    appendFileSync(join(folder, readdirSync(folder)[0] ?? ''), '{"v":1,"rubbish":\n')
    await runs(world, 1, { command: auditVerify, words: ['--folder', folder] })
    await runs(world, 0, { command: auditShow, words: ['--folder', folder] })
  }),
  flow('audit anchor, and a log that cannot be written', async (world) => {
    const folder = join(world.root, 'no-folder')
    writeFileSync(folder, '')
    const seen = world.trace.stream('command line')
    const anchor = streamAnchor(new Writable({ write: (part, _, done) => done(void seen(part)) }))
    const audit = jsonLinesAudit({ folder, anchor, warn: seen })
    const owner = { issuer: world.owner.issuer, subject: world.owner.subject }
    const event = { type: 'credential.resolved', outcome: 'success', owner, correlationId: 'x' } as const
    for (const wrong of [event, { ...event, pat: world.secrets.of('long') }])
      await audit.append(wrong).then(
        () => expectThat(false, 'a refusal'),
        (error: unknown) => world.errors.push(error),
      )
    await audit.close()
    const working = jsonLinesAudit({ folder: join(world.root, 'anchored'), anchor, anchorLines: 1, warn: seen })
    await working.append(event)
    await working.close()
  }),
]

/** Reads the whole log again and again, so it comes first, while the log is short. */
export const auditOptions: readonly Flow[] = [
  flow('audit with a secret where an option belongs', async (world) => {
    await world.saved()
    for (const secret of Object.values(world.secrets.values)) {
      for (const option of ['--user', '--provider', '--correlation', '--issuer'])
        await runs(world, 0, { command: auditShow, words: [`${option}=${secret}`] })
      for (const option of ['--type', '--outcome'])
        await runs(world, 2, { command: auditShow, words: [`${option}=${secret}`] })
      await runs(world, 2, { command: auditShow, words: [`--since=${secret}`] })
      await runs(world, 2, { command: auditExport, words: [`--format=${secret}`] })
      await runs(world, 3, { command: auditVerify, words: [`--key=${secret}`] })
      await runs(world, 4, { command: auditVerify, words: [`--anchors=${secret}`] })
      for (const option of ['--cloudtrail', '--vault-log'])
        await runs(world, 4, { command: auditReconcile, words: [`${option}=${secret}`] })
      await runs(world, 2, { command: auditTail, words: [`--lines=${secret}`] })
    }
  }),
]
