import type { Terminal } from '../terminal/command.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** Milliseconds in which a signal counts as the first one again: npm passes on a Ctrl-C that the terminal has sent to both. */
const SAME_SIGNAL = 500

/** Resolves at the first signal. A second one ends the process immediately, and so does a shutdown that takes too long. */
export function firstSignal(command: string, withinSeconds: number, terminal: Terminal): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = 0
    const onSignal = (signal: NodeJS.Signals) => {
      if (first === 0) {
        first = performance.now()
        setTimeout(() => tooLate(command, withinSeconds, terminal), withinSeconds * 1000).unref()
        resolve(signal)
      } else if (performance.now() - first > SAME_SIGNAL) {
        for (const one of SIGNALS) process.off(one, onSignal)
        process.kill(process.pid, signal)
      }
    }
    for (const signal of SIGNALS) process.on(signal, onSignal)
  })
}

function tooLate(command: string, withinSeconds: number, terminal: Terminal): void {
  terminal.error(`mcp-credential-vault ${command}: it did not end within ${withinSeconds} s and was cut off.\n`)
  process.exit(1)
}

/** Milliseconds in which the process may end by itself. */
const EXIT_AFTER = 500

/** Ends the process soon. Timers and connections of somebody else's code must not keep it. */
export function exitSoon(): void {
  setTimeout(() => process.exit(), EXIT_AFTER).unref()
}
