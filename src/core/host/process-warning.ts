/** Warns the operator through Node.js where no listener was given. The code tells our warnings from others. */
export function processWarning(message: string): void {
  process.emitWarning(message, { code: 'MCP_CREDENTIAL_VAULT' })
}
