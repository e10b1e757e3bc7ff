import { CredentialVaultError, isCredentialVaultError } from '../../../core/model/errors.ts'
import type { AuthMethod, LoginApi } from './auth-method.ts'
import type { HashicorpVaultAuth } from './auth-options.ts'
import type { SecretReader } from './secret-file.ts'

type AppRole = Extract<HashicorpVaultAuth, { method: 'approle' }>

export function appRoleAuth({ mount, roleId, role, ...source }: AppRole, read: SecretReader): AuthMethod {
  let unwrapped: string | undefined

  async function secretId(api: LoginApi, signal: AbortSignal): Promise<string> {
    if (source.secretId !== undefined) return source.secretId
    if (source.secretIdFile !== undefined) return read(source.secretIdFile, 'secretIdFile')
    unwrapped ??= await unwrap(api, signal)
    return unwrapped
  }

  async function unwrap(api: LoginApi, signal: AbortSignal): Promise<string> {
    const token = await read(source.wrappedSecretIdFile ?? '', 'wrappedSecretIdFile')
    try {
      return await api.unwrapSecretId(token, `auth/${mount}/role/${role}/secret-id`, signal)
    } catch (error) {
      if (!(error instanceof CredentialVaultError) || error.code !== 'unauthenticated') throw error
      throw new CredentialVaultError(
        'unauthenticated',
        'The wrapped secret id cannot be unwrapped: it has expired, was used at an earlier start, or was read by somebody else. If none of your own servers used it, treat the role as compromised; in any case put a new one in place.',
        { reason: error.reason === 'wrapping' ? 'wrapping' : 'already_unwrapped' },
      )
    }
  }

  return {
    name: 'approle',
    canRepeat: true,
    async login(api, signal) {
      try {
        return await api.login(
          `auth/${mount}/login`,
          { role_id: roleId, secret_id: await secretId(api, signal) },
          signal,
        )
      } catch (error) {
        // A secret id that was refused is discarded. Its file may hold a new one.
        if (isCredentialVaultError(error, 'unauthenticated')) unwrapped = undefined
        throw error
      }
    },
  }
}
