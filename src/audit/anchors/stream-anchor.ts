import type { AuditAnchor } from './anchor.ts'

/**
 * Writes checkpoints as lines of JSON, to standard output by default, from where the platform's log collector takes them. Not for a
 * server that speaks MCP over stdio: there standard output is the protocol's, so give it `process.stderr`.
 *
 * @example
 * ```ts
 * import { jsonLinesAudit, streamAnchor } from 'mcp-credential-vault'
 *
 * const audit = jsonLinesAudit({ folder: './data/audit', anchor: streamAnchor(process.stderr) })
 * ```
 */
export function streamAnchor(stream: NodeJS.WritableStream = process.stdout): AuditAnchor {
  // Whoever took the checkpoints may be gone, and that is no reason for this process to end.
  stream.on('error', () => {})
  return {
    publish: (checkpoint) => void stream.write(`${JSON.stringify(checkpoint)}\n`),
    close: async () => {},
  }
}
