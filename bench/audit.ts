import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jsonLinesAudit } from '../src/audit/json-lines.ts'
import { auditKeys, importPublicKey } from '../src/audit/line/audit-keys.ts'
import { verifyLog } from '../src/audit/verify/verify-log.ts'
import { generateKeyText, parseKey } from '../src/core/crypto/key-text.ts'
import type { AuditEvent, AuditSink } from '../src/core/ports/audit-sink.ts'
import { type Measure, median } from './measure.ts'

const AT_ONCE = [1, 16, 128] as const
/** What a batch of a few lines takes on the disk. */
const BLOCK = Buffer.alloc(4096)
const LINES_TO_VERIFY = 200_000

/**
 * Durable lines a second with 1, 16 and 128 waiting at once, by turns in the same folder, with the disk's own fdatasync rate between them;
 * then how many lines a second the verifier reads of what was written.
 *
 * @param seconds for the durable lines of all three together
 */
export async function auditMeasures(
  wanted: (name: string) => boolean,
  { seconds }: { readonly seconds: number },
): Promise<Measure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-audit-'))
  const key = generateKeyText()
  try {
    const measures: Measure[] = []
    if (AT_ONCE.some((count) => wanted(`audit-durable-${count}`)))
      measures.push(...(await durable(folder, key, seconds)))
    if (wanted('audit-verify')) measures.push(await verifying(folder, key))
    return measures
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function durable(folder: string, key: string, seconds: number): Promise<Measure[]> {
  const rates = new Map<string, number[]>()
  const turns = 5
  const slice = (seconds * 1000) / (turns * (AT_ONCE.length + 1))
  const note = (name: string, rate: number) => void rates.set(name, [...(rates.get(name) ?? []), rate])
  const audit = jsonLinesAudit({ folder, key, warn: console.error })
  await audit.append(event(0))
  for (let turn = 0; turn < turns; turn += 1) {
    for (const count of AT_ONCE) note(`audit-durable-${count}`, await appendRate(audit, count, slice))
    note('audit-disk-fdatasync', syncRate(folder, slice))
  }
  await audit.close()
  const measure = (name: string, goal: string): Measure => ({
    name,
    value: Math.round(median(rates.get(name) ?? [])),
    unit: '/s',
    goal,
  })
  return [
    measure('audit-durable-1', ''),
    measure('audit-durable-16', '≥ 10000'),
    measure('audit-durable-128', ''),
    measure('audit-disk-fdatasync', 'what the disk does by itself'),
  ]
}

async function appendRate(audit: AuditSink, count: number, milliseconds: number): Promise<number> {
  const start = performance.now()
  const end = start + milliseconds
  let done = 0
  await Promise.all(
    Array.from({ length: count }, async () => {
      while (performance.now() < end) {
        await audit.append(event(done))
        done += 1
      }
    }),
  )
  return (done * 1000) / (performance.now() - start)
}

/** A write and an fdatasync after the other, with nothing else to do. */
function syncRate(folder: string, milliseconds: number): number {
  const descriptor = openSync(join(folder, 'disk'), 'a')
  const start = performance.now()
  let done = 0
  while (performance.now() - start < milliseconds) {
    writeSync(descriptor, BLOCK)
    fdatasyncSync(descriptor)
    done += 1
  }
  closeSync(descriptor)
  return (done * 1000) / (performance.now() - start)
}

async function verifying(parent: string, key: string): Promise<Measure> {
  const folder = join(parent, 'verify')
  const audit = jsonLinesAudit({ folder, key, warn: console.error })
  for (let i = 0; i < LINES_TO_VERIFY; i += 1000)
    await Promise.all(Array.from({ length: 1000 }, (_, j) => audit.append(event(i + j))))
  await audit.close()
  const publicKey = importPublicKey(auditKeys(parseKey(key, 'bench')).publicKey)
  const samples: number[] = []
  for (let run = 0; run < 3; run += 1) {
    const start = performance.now()
    const report = await verifyLog({ folder, keys: publicKey ? [publicKey] : [] })
    if (report.integrity !== 'intact' || report.completeness !== 'complete') throw new Error('the log does not verify')
    samples.push((report.lines * 1000) / (performance.now() - start))
  }
  return { name: 'audit-verify', value: Math.round(median(samples)), unit: '/s', goal: '≥ 150000' }
}

/** As a real release writes it, some 700 bytes. */
function event(count: number): AuditEvent {
  return {
    type: 'credential.resolved',
    outcome: 'success',
    owner: { issuer: 'https://login.example.com/realms/acme', subject: '3f0c9b52-6f2e-4f0e-9a52-5a1f7d0c2b11' },
    provider: 'jira',
    version: '3',
    clientId: 'https://client.example.com/metadata.json',
    clientName: 'Example Client',
    tool: 'create_issue',
    backend: 'sealed-file',
    correlationId: `019adf00-0000-7000-8000-${String(count).padStart(12, '0')}`,
  }
}
