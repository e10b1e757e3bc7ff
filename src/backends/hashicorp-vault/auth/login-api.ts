import { CredentialVaultError } from '../../../core/model/errors.ts'
import { hashicorpVaultError, textsOf } from '../transport/answer-error.ts'
import {
  type HashicorpVaultAnswer,
  type HashicorpVaultRequest,
  type HashicorpVaultSend,
  objectAt,
} from '../transport/exchange.ts'
import type { Login, LoginApi } from './auth-method.ts'

export function createLoginApi(send: HashicorpVaultSend, namespace: string | undefined): LoginApi {
  async function post(
    path: string,
    body: Readonly<Record<string, unknown>> | undefined,
    signal: AbortSignal,
    token?: string,
  ): Promise<HashicorpVaultAnswer> {
    const request: HashicorpVaultRequest = {
      method: 'POST',
      path,
      signal,
      namespace,
      isLogin: true,
      ...(token && { token }),
      ...(body && { body }),
    }
    const answer = await send(request)
    if (answer.status < 300) return answer
    if (answer.status === 400 || answer.status === 403) throw refused(textsOf(answer))
    throw hashicorpVaultError(answer, request)
  }

  return {
    async login(path, body, signal) {
      return fromAuth(await post(path, body, signal))
    },

    async describe(token, signal) {
      const request = { method: 'GET', path: 'auth/token/lookup-self', token, namespace, signal } as const
      const answer = await send(request)
      if (answer.status === 403) throw refused('')
      if (answer.status !== 200) throw hashicorpVaultError(answer, request)
      const data = objectAt(answer.body, 'data')
      return {
        token,
        // Vault rounds `ttl` down to 0 in the last second.
        ttlSeconds: data?.['expire_time'] === null ? 0 : Math.max(seconds(data?.['ttl']), 1),
        renewable: data?.['renewable'] === true,
        fromLogin: false,
        revocable: false,
      }
    },

    async known(token, signal) {
      const answer = await send({ method: 'GET', path: 'auth/token/lookup-self', token, namespace, signal })
      return answer.status !== 403
    },

    async renew(login, signal) {
      const renewed = fromAuth(await post('auth/token/renew-self', {}, signal, login.token))
      return { ...renewed, fromLogin: login.fromLogin, revocable: login.revocable }
    },

    async revoke(login, signal) {
      await post('auth/token/revoke-self', undefined, signal, login.token)
    },

    async unwrapSecretId(token, creationPath, signal) {
      const looked = await post('sys/wrapping/lookup', { token }, signal)
      const from = objectAt(looked.body, 'data')?.['creation_path']
      if (from !== creationPath) throw notOurs()
      // The wrapping token authenticates the request and is not repeated in the body, since the first use would consume it.
      const secretId = objectAt((await post('sys/wrapping/unwrap', undefined, signal, token)).body, 'data')?.[
        'secret_id'
      ]
      if (typeof secretId !== 'string') throw notOurs()
      return secretId
    },
  }
}

function fromAuth(answer: HashicorpVaultAnswer): Login {
  const auth = objectAt(answer.body, 'auth')
  const token = auth?.['client_token']
  if (typeof token !== 'string' || token === '') throw refused('')
  return {
    token,
    ttlSeconds: seconds(auth?.['lease_duration']),
    renewable: auth?.['renewable'] === true,
    fromLogin: true,
    revocable: auth?.['token_type'] !== 'batch',
  }
}

function seconds(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 0
}

function refused(texts: string): CredentialVaultError {
  return /role .*could not be found|unknown role|invalid role name/i.test(texts)
    ? new CredentialVaultError('unauthenticated', 'Vault does not have this role. Check auth.role and auth.mount.', {
        reason: 'role',
      })
    : new CredentialVaultError(
        'unauthenticated',
        "Vault did not accept this server's login. Check its role, secret and policy; the user's credential is untouched.",
        { reason: 'login' },
      )
}

function notOurs(): CredentialVaultError {
  return new CredentialVaultError(
    'unauthenticated',
    'The wrapping token does not contain a secret id of this role: somebody else may have created it. Treat the role as compromised and create a new one.',
    { reason: 'wrapping' },
  )
}
