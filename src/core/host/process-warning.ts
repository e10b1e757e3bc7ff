/** Warns the operator through Node.js where no listener was given. Type and code let operators filter our warnings. */
export function processWarning(message: string): void {
  process.emitWarning(message, { type: 'CredentialVaultWarning', code: 'MCP_CREDENTIAL_VAULT' })
}

/** Tells operators what is weak or strange yet no error; a listener that throws changes nothing of the work. */
export function safeWarn(listener: ((message: string) => void) | undefined): (message: string) => void {
  const tell = listener ?? processWarning
  return (message) => {
    try {
      tell(message)
    } catch {
      // It is the listener's own trouble.
    }
  }
}
