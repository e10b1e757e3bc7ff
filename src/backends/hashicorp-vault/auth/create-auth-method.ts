import { z } from 'zod'
import { parseOptions } from '../../../core/model/options.ts'
import { appRoleAuth } from './app-role.ts'
import type { AuthMethod } from './auth-method.ts'
import { type HashicorpVaultAuth, tokenText } from './auth-options.ts'
import { type LoginHalf, secretReader } from './secret-file.ts'
import { tokenAuth, tokenFileAuth } from './token.ts'

export function createAuthMethod(auth: HashicorpVaultAuth, half?: LoginHalf): AuthMethod {
  const read = secretReader(half)
  switch (auth.method) {
    case 'token':
      return auth.token === undefined ? tokenFileAuth(auth.tokenFile ?? '', read) : tokenAuth(auth.token)
    case 'approle':
      return appRoleAuth(auth, read)
    case 'kubernetes':
      return jwtAuth('kubernetes', auth, () => read(auth.jwtFile, 'jwtFile'))
    case 'jwt':
      return jwtAuth('jwt', auth, auth.jwt ?? (() => read(auth.jwtFile ?? '', 'jwtFile')))
    case 'cert':
      return {
        name: 'cert',
        canRepeat: true,
        login: (api, signal) => api.login(`auth/${auth.mount}/login`, auth.role ? { name: auth.role } : {}, signal),
      }
    case 'agent':
      return { name: 'agent', canRepeat: false, login: async () => ({ ...FOREIGN, token: undefined, ttlSeconds: 0 }) }
    case 'custom':
      return {
        name: 'custom',
        canRepeat: true,
        login: async () => {
          const { token, ttlSeconds, renewable } = parseOptions(customLogin, await auth.login(), 'auth.login()')
          return { token, ttlSeconds, renewable, fromLogin: true, revocable: false }
        },
      }
  }
}

const customLogin = z.object({ token: tokenText, ttlSeconds: z.number().min(0), renewable: z.boolean() })

const FOREIGN = { renewable: false, fromLogin: false, revocable: false } as const

/** Logs in with the token of a workload or a person. The jwt method and Kubernetes take the same request. */
export function jwtAuth(
  name: string,
  { mount, role }: { readonly mount: string; readonly role: string },
  jwt: () => Promise<string>,
): AuthMethod {
  return {
    name,
    canRepeat: true,
    login: async (api, signal) => api.login(`auth/${mount}/login`, { role, jwt: await jwt() }, signal),
  }
}
