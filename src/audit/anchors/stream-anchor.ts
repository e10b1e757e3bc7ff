import type { AuditAnchor } from './anchor.ts'

/**
 * Writes checkpoints as lines of JSON to standard output or the given stream, where the platform's log collector reads them. A server
 * that speaks MCP over stdio must pass `process.stderr`, because standard output belongs to the protocol.
 *
 * @example
 * ```ts
 * import { jsonLinesAudit, streamAnchor } from 'mcp-credential-vault'
 *
 * const audit = jsonLinesAudit({ folder: './data/audit', anchor: streamAnchor(process.stderr) })
 * ```
 */
export function streamAnchor(stream: NodeJS.WritableStream = process.stdout): AuditAnchor {
  // The reader may have gone. An unhandled stream error would end this process.
  stream.on('error', () => {})
  return {
    publish: (checkpoint) => void stream.write(`${JSON.stringify(checkpoint)}\n`),
    close: async () => {},
  }
}
