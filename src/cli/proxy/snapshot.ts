import { isJsonObject, parsedJson } from '../../core/model/json.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import type { CheckedProxyConfig } from '../../server/proxy/proxy-file.ts'
import { newValue } from '../credentials/new-value.ts'
import { warnOfUnknownVariables } from '../operator/unknown-variables.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'
import { counted } from '../terminal/table.ts'

export const proxySnapshot: Command = {
  name: 'proxy snapshot',
  summary: "accept a proxied server's tools, prompts and resources",
  parameters: ['CONFIG'],
  parametersFor: ({ parameters }) => (parameters.length > 1 ? ['CONFIG', 'UPSTREAM'] : ['CONFIG']),
  options: { accept: { type: 'boolean' } },
  help: `
Usage: mcp-credential-vault proxy snapshot CONFIG.yaml [UPSTREAM] [--accept] [--environment FILE] [--json]

Reads what a server behind "proxy" lists, and writes it with a hash of each entry to the file that its "snapshot" names. Clients then see
exactly that. A model reads the descriptions of tools, so one that changes later may be an attack: the proxy leaves it out until you accept it.

The first snapshot of a server is accepted at once. A later one that differs is written beside it, with the ending .new, and the differences
are printed. Read them, then repeat the command with --accept, which takes that file and does not ask the server again.

The credential is your own. It comes from where "discovery" of the configuration says, else from a hidden prompt, else from standard input: one
value, or a JSON object by field if there are several. It goes to that server alone and is not kept. Without UPSTREAM, all servers whose
lists are a snapshot are read; one without a "discovery" is asked about each.
Tell a running proxy with SIGHUP.

Exit codes: 0 the snapshot is as the server lists, or was accepted; 1 it failed, or differences wait to be accepted.
`,
  async run(input, terminal) {
    const [file = '', wanted] = input.parameters
    warnOfUnknownVariables(terminal)
    const [{ readCheckedConfig, upstreamNames }, { acceptWaiting }] = await Promise.all([
      import('../../server/proxy/proxy-file.ts'),
      import('../../server/proxy/snapshot-file.ts'),
    ])
    const config = readCheckedConfig(file)
    const names = upstreamNames(config, wanted).filter(
      (name) => name === wanted || config.upstreams[name]?.catalogue === 'snapshot',
    )
    if (input.flag('accept')) {
      for (const name of names) report(input, terminal, { upstream: name, accepted: acceptWaiting(config, name).file })
      return 0
    }
    let differs = false
    for (const name of names) if (!(await take(config, name, file, { input, terminal }))) differs = true
    return differs ? 1 : 0
  },
}

interface Asked {
  readonly input: CommandInput
  readonly terminal: Terminal
}

/** Returns whether the snapshot is now as the server lists. */
async function take(
  config: CheckedProxyConfig,
  name: string,
  file: string,
  { input, terminal }: Asked,
): Promise<boolean> {
  const { configuredValues, descriptionIn, takeIntoFile } = await import('../../server/proxy/snapshot-file.ts')
  const values = configuredValues(config, name, process.env) ?? (await askedValues(config, name, terminal))
  const taken = await takeIntoFile(config, name, values)
  const { next, before, changes, waiting } = taken
  if (input.flag('json')) {
    terminal.out(`${JSON.stringify({ upstream: name, file: taken.file, waiting, changes })}\n`)
    return waiting === undefined
  }
  const found = `${counted(next.tools.length, 'tool')}, ${counted(next.prompts.length, 'prompt')}, ${counted(next.resources.length + next.resourceTemplates.length, 'resource')}`
  if (!before) terminal.out(`${name}: wrote ${taken.file} (${found}). Read its descriptions: models will.\n`)
  else if (waiting === undefined) terminal.out(`${name}: nothing has changed (${found}).\n`)
  if (!before || waiting === undefined) return true
  terminal.out(`${name}: the server lists something else than what you have accepted.\n`)
  for (const change of changes) {
    terminal.out(`\n${change.kind} ${change.list} ${change.name}\n`)
    const [old, now] = [descriptionIn(before, change), descriptionIn(next, change)]
    if (change.kind !== 'added') terminal.out(indented('-', old))
    if (change.kind !== 'removed') terminal.out(indented('+', now))
    if (change.kind === 'changed' && old === now)
      terminal.out('  The description is the same; compare the two files.\n')
  }
  terminal.out(
    `\n${waiting} has it whole. To accept it: mcp-credential-vault proxy snapshot ${file} ${name} --accept\n`,
  )
  return false
}

function indented(mark: string, text: string): string {
  return text === '' ? '' : `${text.replace(/^/gm, `  ${mark} `)}\n`
}

/** @throws UsageError for values that are no credential of this upstream; it never quotes one */
async function askedValues(config: CheckedProxyConfig, name: string, terminal: Terminal): Promise<CredentialValues> {
  const variables = Object.entries(config.upstreams[name]?.credential.variables ?? {}).filter(
    ([, { required }]) => required,
  )
  const checked = (text: string, [, { type }]: (typeof variables)[number]) => newValue(text, type)
  if (!terminal.readInput || variables.length === 1) {
    const values: Record<string, string> = {}
    for (const variable of variables)
      values[variable[0]] = checked(await terminal.readSecret(`${name}, ${variable[1].label}: `), variable)
    return values
  }
  const given = parsedJson(Buffer.from(await terminal.readInput()).toString('utf8'))
  return Object.fromEntries(
    variables.map((variable) => {
      const text = isJsonObject(given) ? given[variable[0]] : undefined
      if (typeof text === 'string') return [variable[0], checked(text, variable)]
      throw new UsageError(
        `standard input must be a JSON object with the text of ${variables.map(([field]) => field).join(', ')}`,
      )
    }),
  )
}

function report(
  input: CommandInput,
  terminal: Terminal,
  done: { readonly upstream: string; readonly accepted: string },
): void {
  terminal.out(
    input.flag('json')
      ? `${JSON.stringify(done)}\n`
      : `${done.upstream}: ${done.accepted} is what clients see now, once the proxy has reloaded.\n`,
  )
}
