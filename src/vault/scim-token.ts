import { closeSync, openSync, readFileSync } from 'node:fs'
import { fileExposure } from '../core/host/exposed-file.ts'
import { fileLabel, unreadableFile } from '../core/host/shown-path.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import { SCIM_TOKEN } from '../web/admin/admin-options.ts'

/**
 * Returns the bearer token of an identity provider that provisions by SCIM. A file that other users may read is refused, like a key file.
 *
 * @throws `configuration_invalid`, `key_exposed`
 */
export function scimTokenOf(
  option: string,
  { token, tokenFile = '' }: { readonly token?: string | undefined; readonly tokenFile?: string | undefined },
  warn: (message: string) => void,
): string {
  if (token !== undefined) return token
  const text = readTokenFile(`${option}.tokenFile`, tokenFile, warn).trim()
  if (SCIM_TOKEN.test(text)) return text
  throw new CredentialVaultError(
    'configuration_invalid',
    `${fileLabel(`${option}.tokenFile`, tokenFile)}: the file must hold one token of 32 to 1024 characters: letters, digits and -._~+/=. Make one with: openssl rand -hex 32`,
    { reason: 'file' },
  )
}

function readTokenFile(option: string, path: string, warn: (message: string) => void): string {
  const label = fileLabel(option, path)
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch {
    throw unreadableFile(option, path)
  }
  try {
    const exposure = fileExposure(path, descriptor)
    const problem = `${label}: the file may be read by other users.`
    if (exposure && !exposure.tolerated) {
      throw new CredentialVaultError('key_exposed', `${problem} ${exposure.remedy}`, { reason: 'key_file_mode' })
    }
    if (exposure) warn(`${problem} ${exposure.remedy}`)
    return readFileSync(descriptor, 'utf8')
  } catch (error) {
    if (error instanceof CredentialVaultError) throw error
    throw unreadableFile(option, path)
  } finally {
    closeSync(descriptor)
  }
}
