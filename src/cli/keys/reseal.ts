import type { ResealProgress, ResealReport } from '../../core/ports/store-keys.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { counted } from '../terminal/table.ts'
import { withStoreKeys } from './keys-access.ts'

export const keysReseal: Command = {
  name: 'keys reseal',
  summary: 'rewrite every record under the newest key',
  parameters: [],
  options: { 'dry-run': { type: 'boolean' } },
  help: `
Usage: mcp-credential-vault keys reseal [--dry-run] [--json]

Rewrites every record of the sealed file under the newest key, while servers run. A save at the same time is never lost. Versions stay the
same, so nobody is asked again. Values that a save has replaced and that an old key still opens are destroyed.
Progress goes to standard error. If it is interrupted, run it again to rewrite the rest.
--dry-run changes nothing and counts the records that would be rewritten. Ends with 1 if a record is damaged, which is left as it is.
`,
  run: (input, terminal) =>
    withStoreKeys(terminal, async ({ keys, signal, record, change }) => {
      const dryRun = input.flag('dry-run')
      const onProgress = progressLines(terminal)
      const report = dryRun
        ? await keys.reseal({ dryRun, onProgress }, signal)
        : await change({ type: 'key.resealing' }, () => keys.reseal({ dryRun, onProgress }, signal))
      if (!dryRun) await record({ type: 'key.resealed', outcome: 'success', count: report.resealed })
      terminal.out(input.flag('json') ? `${JSON.stringify({ dryRun, ...report })}\n` : textOf(report, dryRun))
      return report.damaged.length > 0 ? 1 : 0
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

function textOf({ total, resealed, upToDate, emptied, damaged }: ResealReport, dryRun: boolean): string {
  const rest = [
    `${upToDate} already under the newest key`,
    ...(emptied > 0 ? [`${emptied} without content`] : []),
    ...(damaged.length > 0 ? [`${damaged.length} damaged`] : []),
  ]
  const lines = [
    `${dryRun ? 'Would rewrite' : 'Rewrote'} ${resealed} of ${counted(total, 'record')}; ${rest.join(', ')}.`,
    ...damaged.map((path) => `Damaged, left as it is: ${path}`),
  ]
  return `${lines.join('\n')}\n`
}
