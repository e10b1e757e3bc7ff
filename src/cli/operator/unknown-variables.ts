import { nearest } from '../../core/host/nearest.ts'
import { knownVariables } from '../../vault/environment/known-variables.ts'
import type { Terminal } from '../terminal/command.ts'

/** The first words of our own names. Variables of other programs may begin with MCP_ too. */
const OURS = /^MCP_(?:VAULT|AUDIT|WEB|OIDC|LOCAL|AWS|PENDING|CREDENTIAL|SERVER|IDENTITY|ADMIN|SCIM|SEALED|METRICS)_/

const warned = new WeakSet<Terminal>()

/** Warns once about variables that look like ours and are not read, because a mistyped setting has no effect otherwise visible. */
export function warnOfUnknownVariables(terminal: Terminal): void {
  if (warned.has(terminal)) return
  warned.add(terminal)
  for (const name of Object.keys(terminal.environment).sort()) {
    if (!name.startsWith('MCP_') || knownVariables.has(name)) continue
    const near = nearest(name, [...knownVariables])
    if (near === undefined && !OURS.test(name)) continue
    const meant = near === undefined ? '' : ` Did you mean ${near}?`
    terminal.error(`mcp-credential-vault: the environment variable ${name} is not read.${meant}\n`)
  }
}
