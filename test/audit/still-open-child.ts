import { jsonLinesAudit } from '../../src/audit/json-lines.ts'

// Writes one line and lives on.
const audit = jsonLinesAudit({ folder: process.argv[2] ?? '', warn: () => {} })
await audit.append({ type: 'credential.resolved', outcome: 'success', correlationId: 'c' })
process.stdout.write('written\n')
process.stdin.resume()
