import type { Command } from './terminal/command.ts'
import { asksForHelp, isName, suggestion } from './terminal/command-line.ts'

/** Commands by name, in the order of the overview. Only the one that runs is loaded: loading all takes longer than most commands run. */
export const commands: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['start', async () => (await import('./start.ts')).start],
  ['proxy', async () => (await import('./proxy/proxy.ts')).proxy],
  ['proxy snapshot', async () => (await import('./proxy/snapshot.ts')).proxySnapshot],
  ['keygen', async () => (await import('./keygen.ts')).keygen],
  ['doctor', async () => (await import('./doctor/doctor.ts')).doctor],
  ['list', async () => (await import('./credentials/list.ts')).list],
  ['show', async () => (await import('./credentials/show.ts')).show],
  ['rotate', async () => (await import('./credentials/rotate.ts')).rotate],
  ['revoke', async () => (await import('./credentials/revoke.ts')).revoke],
  ['keys rotate', async () => (await import('./keys/rotate.ts')).keysRotate],
  ['keys reseal', async () => (await import('./keys/reseal.ts')).keysReseal],
  ['keys rewrap', async () => (await import('./keys/rewrap.ts')).keysRewrap],
  ['keys retire', async () => (await import('./keys/retire.ts')).keysRetire],
  ['keys compromise', async () => (await import('./keys/compromise.ts')).keysCompromise],
  ['keys export-writer', async () => (await import('./keys/export.ts')).keysExportWriter],
  ['keys export-reader', async () => (await import('./keys/export.ts')).keysExportReader],
  ['rollback', async () => (await import('./credentials/rollback.ts')).rollback],
  ['offboard', async () => (await import('./bulk/offboard.ts')).offboard],
  ['expiring', async () => (await import('./bulk/expiring.ts')).expiring],
  ['orphans', async () => (await import('./bulk/orphans.ts')).orphans],
  ['seed', async () => (await import('./provision/seed.ts')).seed],
  ['import authkit-files', async () => (await import('./import/authkit-files.ts')).importAuthkitFiles],
  ['import authkit-redis', async () => (await import('./import/authkit-redis.ts')).importAuthkitRedis],
  ['import csv', async () => (await import('./import/csv.ts')).importCsv],
  ['import env', async () => (await import('./import/env.ts')).importEnv],
  ['audit verify', async () => (await import('./audit/verify.ts')).auditVerify],
  ['audit tail', async () => (await import('./audit/tail.ts')).auditTail],
  ['audit show', async () => (await import('./audit/show.ts')).auditShow],
  ['audit export', async () => (await import('./audit/export.ts')).auditExport],
  ['audit reconcile', async () => (await import('./audit/reconcile.ts')).auditReconcile],
  ['audit key', async () => (await import('./audit/key.ts')).auditKey],
  ['audit retire', async () => (await import('./audit/retire.ts')).auditRetire],
])

const names = [...commands.keys()]

/** The request of a command line. */
export type Asked =
  | { readonly kind: 'command'; readonly command: Command; readonly words: readonly string[] }
  /** Help about all commands, or about those of one group, such as `audit`. */
  | { readonly kind: 'overview'; readonly of: readonly Command[] }
  | { readonly kind: 'version' }
  | { readonly kind: 'nothing'; readonly of: readonly Command[] }
  /** `problem` names what is wrong, and what to type instead. */
  | { readonly kind: 'unknown'; readonly problem: string }

/** A command's name has one or two words. */
export async function asked(words: readonly string[]): Promise<Asked> {
  const [first, second, ...rest] = words
  if (first === undefined) return { kind: 'nothing', of: await loaded(names) }
  if (first === '--version' || first === '-V' || first === 'version') return { kind: 'version' }
  if (first === 'help') {
    const about = words.slice(1)
    return about.length === 0 ? { kind: 'overview', of: await loaded(names) } : asked([...about, '--help'])
  }
  if (first === '--help' || first === '-h') return { kind: 'overview', of: await loaded(names) }
  if (first.startsWith('-'))
    return { kind: 'unknown', problem: `options come after the command${suggestion(first, ['--help', '--version'])}` }

  // The longer name first: a command such as proxy may have others below it.
  const two = await commands.get(`${first} ${second}`)?.()
  if (two) return { kind: 'command', command: two, words: rest }
  const one = await commands.get(first)?.()
  return one ? { kind: 'command', command: one, words: words.slice(1) } : askedOfGroup(first, words.slice(1))
}

async function loaded(some: readonly string[]): Promise<readonly Command[]> {
  const found = await Promise.all(some.map((name) => commands.get(name)?.()))
  return found.filter((command) => command !== undefined)
}

/** Handles a first word that names a group, such as `audit`, or nothing known. */
async function askedOfGroup(first: string, words: readonly string[]): Promise<Asked> {
  const [second] = words
  const group = names.filter((name) => name.startsWith(`${first} `))
  if (group.length > 0 && asksForHelp(words)) return { kind: 'overview', of: await loaded(group) }
  if (group.length > 0 && (second === undefined || second.startsWith('-'))) {
    const choice = group.map((name) => name.split(' ')[1]).join(', ')
    return { kind: 'unknown', problem: `${first} takes one of ${choice}` }
  }
  return { kind: 'unknown', problem: unknownCommand(first, second, group) }
}

function unknownCommand(first: string, second: string | undefined, group: readonly string[]): string {
  const both = second === undefined || second.startsWith('-') ? first : `${first} ${second}`
  const known = group.length > 0 ? group : names
  const typed = group.length > 0 || suggestion(first, known) === '' ? both : first
  const near = suggestion(typed, known)
  const named = near === '' && group.length === 0 ? first : typed
  return `${isName(named) ? `there is no command ${named}` : 'the first word is not a command'}${near}`
}

export function overview(of: readonly Command[]): string {
  const lines = of.map(({ name, summary }) => `  ${name.padEnd(20)} ${summary}`)
  return `Usage: mcp-credential-vault COMMAND …\n\n${lines.join('\n')}\n\nEach command has --help, --json, and --environment FILE for a file with more environment variables; --version prints the version.\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 no such credential, 130 cancelled at a prompt.\n`
}
