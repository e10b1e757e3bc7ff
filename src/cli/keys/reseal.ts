import type { ResealProgress, ResealReport } from '../../core/ports/store-keys.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { counted } from '../terminal/table.ts'
import { withResealing } from './keys-access.ts'

export const keysReseal: Command = {
  name: 'keys reseal',
  summary: 'rewrite every record under the newest key',
  parameters: [],
  options: { 'dry-run': { type: 'boolean' } },
  help: `
Usage: mcp-credential-vault keys reseal [--dry-run] [--json]

Rewrites every record under the newest key, while servers run. A save at the same time is never lost, and nobody is asked again.
In the sealed file versions stay the same, and values that a save has replaced and that an old key still opens are destroyed.
In Vault or AWS with a sealed envelope (MCP_SEALED_ENVELOPE_KEY_FILE), each rewritten credential gets a new version with the same labels; the
store keeps earlier versions as it does after a save. With MCP_SEALED_ENVELOPE_ACCEPT_PLAIN=true, values without a seal are sealed too.
Progress goes to standard error. If it is interrupted, run it again to rewrite the rest.
--dry-run changes nothing and counts the records that would be rewritten. Ends with 1 if a record was left as it is because it is damaged,
under a key that is not configured, or without a seal.
`,
  run: (input, terminal) =>
    withResealing(terminal, async ({ keys, signal, record, change }) => {
      const dryRun = input.flag('dry-run')
      const onProgress = progressLines(terminal)
      const report = dryRun
        ? await keys.reseal({ dryRun, onProgress }, signal)
        : await change({ type: 'key.resealing' }, () => keys.reseal({ dryRun, onProgress }, signal))
      if (!dryRun) await record({ type: 'key.resealed', outcome: 'success', count: report.resealed })
      terminal.out(input.flag('json') ? `${JSON.stringify({ dryRun, ...report })}\n` : textOf(report, dryRun))
      return leftOf(report).length > 0 ? 1 : 0
    }),
}

const EVERY = 1_000

/** Reports the first record, then at most once a second, then the last one. */
function progressLines(terminal: Terminal): (progress: ResealProgress) => void {
  let next = 0
  return ({ done, total }) => {
    const now = performance.now()
    if (now < next && done < total) return
    next = now + EVERY
    terminal.error(`mcp-credential-vault keys reseal: ${done} of ${counted(total, 'record')}\n`)
  }
}

/** Returns a line for each record that was left as it is. */
function leftOf({ damaged, unknownKey = [], notSealed = [] }: ResealReport): readonly string[] {
  return [
    ...damaged.map((path) => `Damaged, left as it is: ${path}`),
    ...unknownKey.map((path) => `Under a key that is not configured, left as it is: ${path}`),
    ...notSealed.map((path) => `Without a seal, left as it is: ${path}`),
  ]
}

function textOf(report: ResealReport, dryRun: boolean): string {
  const { total, resealed, upToDate, emptied, damaged, unknownKey = [], notSealed = [] } = report
  const rest = [
    `${upToDate} already under the newest key`,
    ...(emptied > 0 ? [`${emptied} without content`] : []),
    ...(damaged.length > 0 ? [`${damaged.length} damaged`] : []),
    ...(unknownKey.length > 0 ? [`${unknownKey.length} under another key`] : []),
    ...(notSealed.length > 0 ? [`${notSealed.length} without a seal`] : []),
  ]
  const lines = [
    `${dryRun ? 'Would rewrite' : 'Rewrote'} ${resealed} of ${counted(total, 'record')}; ${rest.join(', ')}.`,
    ...leftOf(report),
  ]
  return `${lines.join('\n')}\n`
}
