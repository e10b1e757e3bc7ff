import { hkdfSync } from 'node:crypto'

/**
 * Derives 32 bytes for one purpose. They reveal neither the key nor those for other purposes (HKDF-SHA-256, RFC 5869). A backend that
 * derives keys of its own uses the label `derived ` and the purpose.
 */
export function deriveKey(key: Uint8Array, label: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, '', `mcp-credential-vault ${label} v1`, 32))
}
