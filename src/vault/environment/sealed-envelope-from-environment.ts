import { z } from 'zod'
import { sealedEnvelope } from '../../backends/sealed-envelope/sealed-envelope.ts'
import { warnAbout } from '../../core/host/process-warning.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import { keyOptions, withoutEmpty, words } from './environment.ts'

const environmentSchema = z.object({
  MCP_SEALED_ENVELOPE_KEY: z.string().optional(),
  MCP_SEALED_ENVELOPE_KEY_FILE: z.string().optional(),
  MCP_SEALED_ENVELOPE_KEY_ACCEPTED: words.optional(),
  MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE: z.string().optional(),
  MCP_SEALED_ENVELOPE_ACCEPT_PLAIN: z.enum(['true', 'false']).optional(),
})

export const envelopeVariables: readonly string[] = Object.keys(environmentSchema.shape)

/** Backends whose store has administrators of its own. */
const VENDORS: readonly string[] = ['vault', 'aws-secrets-manager']

/**
 * Wraps the backend if any variable of the envelope is set. An envelope without its key fails at `open()`, so losing the key's variable
 * does not turn the envelope off while another of its variables is set.
 *
 * @param kind the value of `MCP_VAULT_BACKEND`
 * @throws `configuration_invalid`, naming the variable
 */
export function envelopeFromEnvironment(
  backend: SecretBackend,
  kind: string,
  environment: NodeJS.ProcessEnv,
): SecretBackend {
  const given = withoutEmpty(environment)
  const set = envelopeVariables.find((name) => given[name] !== undefined)
  if (set === undefined) return backend
  if (!VENDORS.includes(kind)) {
    throw new CredentialVaultError(
      'configuration_invalid',
      `environment.${set}: a sealed envelope is for MCP_VAULT_BACKEND=${VENDORS.join(' or ')}. Unset it, or set the backend`,
      { reason: 'option' },
    )
  }
  const settings = parseOptions(environmentSchema, given, 'environment')
  return sealedEnvelope(backend, {
    acceptPlain: settings.MCP_SEALED_ENVELOPE_ACCEPT_PLAIN === 'true',
    warn: warnAbout('sealed-envelope'),
    ...keyOptions(environment, settings.MCP_SEALED_ENVELOPE_KEY, settings.MCP_SEALED_ENVELOPE_KEY_FILE),
    ...(environment !== process.env && {
      acceptedKeys: settings.MCP_SEALED_ENVELOPE_KEY_ACCEPTED,
      acceptedKeysFile: settings.MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE,
    }),
  })
}
