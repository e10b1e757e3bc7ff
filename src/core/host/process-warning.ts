/** Warns the operator through Node.js where no listener was given. The code tells our warnings from others. */
export function processWarning(message: string): void {
  process.emitWarning(message, { code: 'MCP_CREDENTIAL_VAULT' })
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
