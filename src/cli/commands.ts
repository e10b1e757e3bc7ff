import { auditExport } from './audit/export.ts'
import { auditKey } from './audit/key.ts'
import { auditReconcile } from './audit/reconcile.ts'
import { auditRetire } from './audit/retire.ts'
import { auditShow } from './audit/show.ts'
import { auditTail } from './audit/tail.ts'
import { auditVerify } from './audit/verify.ts'
import { expiring } from './bulk/expiring.ts'
import { offboard } from './bulk/offboard.ts'
import { orphans } from './bulk/orphans.ts'
import { list } from './credentials/list.ts'
import { revoke } from './credentials/revoke.ts'
import { rollback } from './credentials/rollback.ts'
import { rotate } from './credentials/rotate.ts'
import { show } from './credentials/show.ts'
import { doctor } from './doctor/doctor.ts'
import { importAuthkitFiles } from './import/authkit-files.ts'
import { importAuthkitRedis } from './import/authkit-redis.ts'
import { importCsv } from './import/csv.ts'
import { importEnv } from './import/env.ts'
import { keygen } from './keygen.ts'
import { keysCompromise } from './keys/compromise.ts'
import { keysReseal } from './keys/reseal.ts'
import { keysRetire } from './keys/retire.ts'
import { keysRewrap } from './keys/rewrap.ts'
import { keysRotate } from './keys/rotate.ts'
import { seed } from './provision/seed.ts'
import { start } from './start.ts'
import type { Command } from './terminal/command.ts'
import { asksForHelp, isName, suggestion } from './terminal/command-line.ts'

export const commands: readonly Command[] = [
  start,
  keygen,
  doctor,
  list,
  show,
  rotate,
  revoke,
  keysRotate,
  keysReseal,
  keysRewrap,
  keysRetire,
  keysCompromise,
  rollback,
  offboard,
  expiring,
  orphans,
  seed,
  importAuthkitFiles,
  importAuthkitRedis,
  importCsv,
  importEnv,
  auditVerify,
  auditTail,
  auditShow,
  auditExport,
  auditReconcile,
  auditKey,
  auditRetire,
]

/** The request of a command line. */
export type Asked =
  | { readonly kind: 'command'; readonly command: Command; readonly words: readonly string[] }
  /** Help about all commands, or about those of one group, such as `audit`. */
  | { readonly kind: 'overview'; readonly of: readonly Command[] }
  | { readonly kind: 'version' }
  | { readonly kind: 'nothing' }
  /** `problem` names what is wrong, and what to type instead. */
  | { readonly kind: 'unknown'; readonly problem: string }

/** A command's name has one or two words. */
export function asked(words: readonly string[]): Asked {
  const [first, second, ...rest] = words
  if (first === undefined) return { kind: 'nothing' }
  if (first === '--version' || first === '-V' || first === 'version') return { kind: 'version' }
  if (first === 'help') {
    const about = words.slice(1)
    return about.length === 0 ? { kind: 'overview', of: commands } : asked([...about, '--help'])
  }
  if (first === '--help' || first === '-h') return { kind: 'overview', of: commands }
  if (first.startsWith('-'))
    return { kind: 'unknown', problem: `options come after the command${suggestion(first, ['--help', '--version'])}` }

  const one = commands.find(({ name }) => name === first)
  if (one) return { kind: 'command', command: one, words: words.slice(1) }
  const two = commands.find(({ name }) => name === `${first} ${second}`)
  return two ? { kind: 'command', command: two, words: rest } : askedOfGroup(first, words.slice(1))
}

/** Handles a first word that names a group, such as `audit`, or nothing known. */
function askedOfGroup(first: string, words: readonly string[]): Asked {
  const [second] = words
  const group = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (group.length > 0 && asksForHelp(words)) return { kind: 'overview', of: group }
  if (group.length > 0 && (second === undefined || second.startsWith('-'))) {
    const choice = group.map(({ name }) => name.split(' ')[1]).join(', ')
    return { kind: 'unknown', problem: `${first} takes one of ${choice}` }
  }
  return { kind: 'unknown', problem: unknownCommand(first, second, group) }
}

function unknownCommand(first: string, second: string | undefined, group: readonly Command[]): string {
  const both = second === undefined || second.startsWith('-') ? first : `${first} ${second}`
  const known = (group.length > 0 ? group : commands).map(({ name }) => name)
  const typed = group.length > 0 || suggestion(first, known) === '' ? both : first
  const near = suggestion(typed, known)
  const named = near === '' && group.length === 0 ? first : typed
  return `${isName(named) ? `there is no command ${named}` : 'the first word is not a command'}${near}`
}

export function overview(of: readonly Command[]): string {
  const lines = of.map(({ name, summary }) => `  ${name.padEnd(20)} ${summary}`)
  return `Usage: mcp-credential-vault COMMAND …\n\n${lines.join('\n')}\n\nEach command has --help and --json; --version prints the version.\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 no such credential, 130 cancelled at a prompt.\n`
}
