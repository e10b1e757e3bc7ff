#!/usr/bin/env node
import { printable } from '../core/printable.ts'
import { auditExport } from './audit/export.ts'
import { auditKey } from './audit/key.ts'
import { auditReconcile } from './audit/reconcile.ts'
import { auditShow } from './audit/show.ts'
import { auditTail } from './audit/tail.ts'
import { auditVerify } from './audit/verify.ts'
import { type Command, runCommand, type Terminal } from './command.ts'
import { doctor } from './doctor.ts'
import { keygen } from './keygen.ts'
import { list } from './list.ts'
import { readSecret } from './read-secret.ts'
import { revoke } from './revoke.ts'
import { rotate } from './rotate.ts'
import { show } from './show.ts'
import { start } from './start.ts'

const commands: readonly Command[] = [
  start,
  keygen,
  doctor,
  list,
  show,
  rotate,
  revoke,
  auditVerify,
  auditTail,
  auditShow,
  auditExport,
  auditReconcile,
  auditKey,
]

const terminal: Terminal = {
  out: (text) => void process.stdout.write(printable(text)),
  error: (text) => void process.stderr.write(printable(text)),
  environment: process.env,
  readSecret,
}

/** A name may be two words. */
function wordsOf([first = '', second = '', ...rest]: readonly string[]): readonly string[] {
  const both = `${first} ${second}`
  return commands.some(({ name }) => name === both)
    ? [both, ...rest]
    : [first, ...(second === '' ? [] : [second]), ...rest]
}

function overview(): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(15)} ${summary}`)
  return `Usage: mcp-credential-vault COMMAND …\n\n${lines.join('\n')}\n\nEach command has --help and --json.\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 no such credential.\n`
}

// Whoever reads the output may have seen enough, as head does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})

const [name, ...words] = wordsOf(process.argv.slice(2))
const command = commands.find((candidate) => candidate.name === name)
if (command) {
  process.exitCode = await runCommand(command, words, terminal)
} else if (name === '--help' || name === '-h' || name === 'help') {
  terminal.out(overview())
} else {
  terminal.error(overview())
  process.exitCode = 2
}
