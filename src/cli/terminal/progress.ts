import type { WriteStream } from 'node:tty'

const WIDTH = 24

/** Writes progress in one line of a terminal, each in place of the last. An empty line removes it. */
export function progressOn(stream: Pick<WriteStream, 'write' | 'columns'>): (line: string) => void {
  return (line) => {
    const columns = stream.columns || 80
    stream.write(`\r${line.slice(0, columns - 1)}\u001B[K`)
  }
}

/** Formats a bar with its count, e.g. `revoke [######      ] 3/6`. */
export function bar(verb: string, done: number, total: number): string {
  const filled = total === 0 ? WIDTH : Math.round((done / total) * WIDTH)
  return `${verb} [${'#'.repeat(filled).padEnd(WIDTH)}] ${done}/${total}`
}
