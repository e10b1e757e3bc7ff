import type { FlowReport } from './canary.ts'

/** Sinks × flows. A column for each sink, numbered; the legend is below. */
export function tableOf(reports: readonly FlowReport[]): string {
  const sinks = [...(reports[0]?.bySink.keys() ?? [])]
  const width = Math.max(...reports.map(({ flow }) => flow.length))
  const numbers = [0, 1].map((digit) => sinks.map((_, i) => String(i + 1).padStart(2)[digit]).join(' '))
  const rows = reports.map(({ flow, bySink, problem }) => {
    const cells = sinks.map((sink) => cellOf(bySink.get(sink)))
    return `${flow.padEnd(width)}  ${cells.join(' ')}${problem === undefined ? '' : `  did not happen: ${problem}`}`
  })
  const legend = sinks.map((sink, i) => `${i + 1} ${sink}`).join(', ')
  return [
    ...numbers.map((line) => `${''.padEnd(width)}  ${line}`),
    ...rows,
    '',
    `Sinks: ${legend}`,
    'X a secret was found   . searched, none found   blank nothing was there to search',
  ].join('\n')
}

function cellOf(finding: { readonly kinds: readonly string[]; readonly bytes: number } | undefined): string {
  if (!finding || finding.bytes <= 1) return ' '
  return finding.kinds.length > 0 ? 'X' : '.'
}

/** One line for each leak, with its surroundings. */
export function leaksIn(reports: readonly FlowReport[]): readonly string[] {
  return reports.flatMap(({ flow, bySink }) =>
    [...bySink]
      .filter(([, { kinds }]) => kinds.length > 0)
      .map(([sink, { kinds, excerpt }]) => `${flow} → ${sink}: ${kinds.join(', ')}\n    …${JSON.stringify(excerpt)}…`),
  )
}
