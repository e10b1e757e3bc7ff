#!/usr/bin/env node
import { packageVersion } from '../core/host/package-version.ts'
import { printable } from '../core/model/printable.ts'
import { asked, overview } from './commands.ts'
import { runCommand, type Terminal } from './terminal/command.ts'
import { usageText } from './terminal/command-line.ts'
import { OutputEnded, outputTo } from './terminal/output.ts'
import { progressOn } from './terminal/progress.ts'
import { readInput } from './terminal/read-input.ts'
import { ask, readSecret } from './terminal/read-secret.ts'

const output = outputTo(process.stdout)
const errors = outputTo(process.stderr)

const terminal: Terminal = {
  out: (text) => output.write(printable(text)),
  error(text) {
    // A message that cannot be printed must not end the command.
    try {
      errors.write(printable(text))
    } catch {}
  },
  environment: process.env,
  readSecret,
  readInput: process.stdin.isTTY ? undefined : () => readInput(process.stdin),
  ask: process.stdin.isTTY ? (question) => ask(printable(question)) : undefined,
  progress: process.stderr.isTTY ? progressOn(process.stderr) : undefined,
}

/** Exit code of a failure. It differs when 1 is a result of the command. */
let failureExitCode = 1

async function run(words: readonly string[]): Promise<number> {
  const what = await asked(words)
  switch (what.kind) {
    case 'command':
      failureExitCode = what.command.failureExitCode ?? failureExitCode
      return runCommand(what.command, what.words, terminal)
    case 'version':
      terminal.out(`${packageVersion()}\n`)
      return 0
    case 'overview':
      terminal.out(overview(what.of))
      return 0
    case 'nothing':
      terminal.error(overview(what.of))
      return 2
    case 'unknown':
      terminal.error(usageText('mcp-credential-vault', what.problem))
      return 2
  }
}

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof OutputEnded)) throw error
}
const failure = await output.finished()
if (failure !== undefined) {
  terminal.error(`mcp-credential-vault: standard output cannot be written (${failure}).\n`)
  process.exitCode = failureExitCode
}
