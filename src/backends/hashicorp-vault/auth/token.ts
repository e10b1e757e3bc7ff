import type { AuthMethod } from './auth-method.ts'
import { fileStamp, type SecretReader } from './secret-file.ts'

/** Uses a token that another program obtained. This process renews it and never revokes it. */
export function tokenAuth(token: string): AuthMethod {
  return { name: 'token', canRepeat: false, login: (api, signal) => api.describe(token, signal) }
}

const LOOK_AFTER_MILLISECONDS = 5_000

/** Reads the sink file of Vault Agent. The agent renews the token and replaces the file. */
export function tokenFileAuth(path: string, read: SecretReader): AuthMethod {
  let stamp: string | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  return {
    name: 'token',
    canRepeat: true,
    async login(api, signal) {
      lookedAt = performance.now()
      stamp = await fileStamp(path)
      const described = await api.describe(await read(path, 'tokenFile'), signal)
      return { ...described, renewable: false }
    },
    async changed() {
      if (performance.now() - lookedAt < LOOK_AFTER_MILLISECONDS) return false
      lookedAt = performance.now()
      const now = await fileStamp(path)
      return now !== undefined && now !== stamp
    },
  }
}
