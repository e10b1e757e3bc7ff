import { readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'

// Appends eight at a time, and says on standard output which lines were acknowledged and which refused. Without end, or until so many
// were refused; then it shows what is in the files.
const [folder = '', padding = '0', refusals = 'Infinity'] = process.argv.slice(2)
const audit = jsonLinesAudit({ folder, key: process.env['APPENDER_KEY'] ?? generateKeyText(), warn: () => {} })
let next = 0
let refused = 0

async function append(): Promise<void> {
  while (refused < Number(refusals)) {
    const correlationId = `n${next++}`
    try {
      const tool = 'x'.repeat(Number(padding))
      const { seq } = await audit.append({ type: 'credential.resolved', outcome: 'success', tool, correlationId })
      say(`ok ${correlationId} ${seq}`)
    } catch (error) {
      const reason = typeof error === 'object' && error !== null && 'reason' in error ? error.reason : 'unexpected'
      say(`no ${correlationId} ${reason}`)
      refused += 1
    }
  }
}

function say(text: string): void {
  try {
    writeSync(1, `${text}\n`)
  } catch {
    // The reader has seen enough.
    process.exit()
  }
}

await Promise.all(Array.from({ length: 8 }, append))
for (const name of readdirSync(folder)) say(readFileSync(join(folder, name), 'utf8'))
