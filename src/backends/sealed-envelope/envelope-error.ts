import { CredentialVaultError } from '../../core/model/errors.ts'
import type { EnvelopeKeys } from './envelope-keys.ts'
import type { OpenedText, SealFault } from './sealed-text.ts'

const TAMPERED: Readonly<Record<Exclude<SealFault, 'not_sealed'>, string>> = {
  format: 'is not a sealed value of this version',
  swapped: 'is the sealed value of another credential',
  seal: 'was changed after it was sealed',
}

/**
 * Returns the error for a stored value that does not open.
 *
 * @param place where an operator finds it
 */
export function envelopeError(
  opened: Extract<OpenedText, { fault: string }>,
  place: string,
  keys: EnvelopeKeys,
): CredentialVaultError {
  switch (opened.fault) {
    case 'unknown_seal_key':
      return new CredentialVaultError(
        'key_wrong',
        `The stored credential ${place} is sealed with key ${opened.keyId}, and this process has ${keys.map(({ id }) => id).join(', ')}. ` +
          `Nothing was changed or deleted. Add key ${opened.keyId} to sealedEnvelope.acceptedKeysFile (MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE).`,
        { reason: 'unknown_seal_key' },
      )
    case 'not_sealed':
      return new CredentialVaultError(
        'record_tampered',
        `The stored credential ${place} is not sealed: it was written with the store's own tools. It is not used, and nothing was changed. ` +
          'If that was a rotation by hand, store the value with "mcp-credential-vault seed --replace", and rotate with "mcp-credential-vault rotate" from then on. ' +
          'If the values are from before the envelope, set MCP_SEALED_ENVELOPE_ACCEPT_PLAIN=true and run "mcp-credential-vault keys reseal". Otherwise find out who can write there.',
        { reason: 'not_sealed' },
      )
    default:
      return new CredentialVaultError(
        'record_tampered',
        `The stored credential ${place} ${TAMPERED[opened.fault]}. Nothing was changed or deleted. Find out who can write there; ` +
          "then roll it back with the store's own tools, or revoke this credential so that its owner is asked again.",
        { reason: opened.fault },
      )
  }
}
