/** Warns the operator through Node.js where no listener was given. Type and code let operators filter our warnings. */
export function processWarning(message: string): void {
  process.emitWarning(message, { type: 'CredentialVaultWarning', code: 'MCP_CREDENTIAL_VAULT' })
}

/** Warns operators. An error of the listener does not affect the operation. */
export function safeWarn(listener: ((message: string) => void) | undefined): (message: string) => void {
  const tell = listener ?? processWarning
  return (message) => {
    try {
      tell(message)
    } catch {
      // A failing listener must not affect the operation.
    }
  }
}
