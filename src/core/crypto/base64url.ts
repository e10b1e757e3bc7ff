/**
 * Decodes base64url (RFC 4648 §5, without padding). Returns undefined for every text but the one that encodes these bytes: decoders skip
 * foreign characters and ignore spare bits, so a changed text could pass for the one that was written.
 */
export function canonicalBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}
