import { writeSync } from 'node:fs'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'

// Appends without end, eight at a time, and says on standard output which lines were acknowledged and which refused.
const [folder = '', padding = '0'] = process.argv.slice(2)
const audit = jsonLinesAudit({ folder })
let next = 0

async function appendForEver(): Promise<void> {
  for (;;) {
    const correlationId = `n${next++}`
    try {
      const tool = 'x'.repeat(Number(padding))
      const { seq } = await audit.append({ type: 'credential.resolved', outcome: 'success', tool, correlationId })
      say(`ok ${correlationId} ${seq}`)
    } catch (error) {
      const reason = typeof error === 'object' && error !== null && 'reason' in error ? error.reason : 'unexpected'
      say(`no ${correlationId} ${reason}`)
    }
  }
}

function say(text: string): void {
  try {
    writeSync(1, `${text}\n`)
  } catch {
    // Whoever reads has seen enough.
    process.exit()
  }
}

for (let i = 0; i < 8; i += 1) void appendForEver()
