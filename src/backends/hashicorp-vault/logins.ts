import { createHash } from 'node:crypto'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import type { BackendCall } from '../../core/ports/secret-backend.ts'
import type { LoginApi } from './auth/auth-method.ts'
import type { HashicorpVaultAuth } from './auth/auth-options.ts'
import { createAuthMethod, jwtAuth } from './auth/create-auth-method.ts'
import { createLoginApi } from './auth/login-api.ts'
import type { LoginHalf } from './auth/secret-file.ts'
import { createSession, type HashicorpVaultSession } from './auth/session.ts'
import { createHashicorpVaultClient } from './hashicorp-client.ts'
import { createKv, type Kv } from './kv.ts'
import type { HashicorpVaultSend } from './transport/exchange.ts'

type Assertion = NonNullable<BackendCall['assertion']>

export interface LoginsOptions {
  readonly auth: { readonly read?: HashicorpVaultAuth | undefined; readonly write?: HashicorpVaultAuth | undefined }
  /** Which of two logins `auth` is, when it has only one. Used in errors. */
  readonly half?: LoginHalf
  readonly userAuth?: { readonly mount: string; readonly role: string } | undefined
  readonly mount: string
  readonly namespace?: string | undefined
  readonly authNamespace?: string | undefined
}

/** The engine as each principal of this process sees it. A principal's token is never sent with another principal's request. */
export interface Logins {
  /** Reads a user's values and their state. Throws `forbidden` when this process has no login for that. */
  reading(key: StorageKey, call: BackendCall): Kv
  writing(): Kv
  /** Returns any login that exists, for states and lists, which both may read. */
  either(): Kv
  /** Logs in with each, so that a wrong login is found at start. */
  check(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Users whose tokens are kept. Beyond this, the least recently seen user must log in again. */
const MAX_USERS = 1_000

export function createLogins(send: HashicorpVaultSend, options: LoginsOptions): Logins {
  const { auth, userAuth, mount, namespace, authNamespace } = options
  const api = createLoginApi(send, authNamespace ?? namespace)
  const sessions = new Map<HashicorpVaultAuth, HashicorpVaultSession>()
  const users = new Map<
    string,
    { readonly session: HashicorpVaultSession; readonly kv: Kv; use(assertion: Assertion): void }
  >()

  function kvOf(session: HashicorpVaultSession): Kv {
    return createKv(mount, createHashicorpVaultClient(send, session, namespace))
  }

  function principal(method: HashicorpVaultAuth | undefined, half: LoginHalf): Kv | undefined {
    if (!method) return undefined
    const session = sessions.get(method) ?? createSession(createAuthMethod(method, half), api)
    sessions.set(method, session)
    return kvOf(session)
  }

  const isOne = auth.read === auth.write
  const read = principal(auth.read, isOne ? options.half : 'read')
  const write = principal(auth.write, isOne ? options.half : 'write')

  function ofUser(key: StorageKey, call: BackendCall, role: { readonly mount: string; readonly role: string }): Kv {
    // Keyed by owner, so that one person's providers share a login.
    const id = createHash('sha256')
      .update(JSON.stringify([key.owner.issuer, key.owner.subject]))
      .digest('base64url')
    const { assertion } = call
    if (!assertion) throw noAssertion()
    const known = users.get(id) ?? newUser(role, api, kvOf)
    users.delete(id)
    users.set(id, known)
    const [longestAgo] = users.keys()
    if (users.size > MAX_USERS && longestAgo !== undefined) {
      void users.get(longestAgo)?.session.close()
      users.delete(longestAgo)
    }
    known.use(assertion)
    return known.kv
  }

  return {
    reading(key, call) {
      if (userAuth) return ofUser(key, call, userAuth)
      if (!read) throw noLogin('read')
      return read
    },
    writing() {
      if (!write) throw noLogin('write')
      return write
    },
    either() {
      const kv = read ?? write
      if (!kv) throw noLogin('read')
      return kv
    },
    async check(signal) {
      await Promise.all(Array.from(sessions.values(), (session) => session.token(signal)))
    },
    async close() {
      const all = [...sessions.values(), ...Array.from(users.values(), ({ session }) => session)]
      users.clear()
      await Promise.all(all.map((session) => session.close()))
    },
  }
}

function newUser(
  role: { readonly mount: string; readonly role: string },
  api: LoginApi,
  kvOf: (session: HashicorpVaultSession) => Kv,
) {
  let latest: Assertion | undefined
  const jwt = async () => {
    if (latest) return latest()
    throw noAssertion()
  }
  const session = createSession(jwtAuth('jwt', role, jwt), api, { onDemand: true })
  return {
    session,
    kv: kvOf(session),
    use(assertion: Assertion) {
      latest = assertion
    },
  }
}

function noAssertion(): CredentialVaultError {
  return new CredentialVaultError(
    'unauthenticated',
    "userAuth reads with the user's own JWT. Set openVault's option assertion to a function that returns it.",
    { reason: 'assertion' },
  )
}

function noLogin(half: 'read' | 'write'): CredentialVaultError {
  return new CredentialVaultError(
    'forbidden',
    `This process has no login for ${half === 'read' ? 'reading' : 'writing'}: auth.${half} is not set.`,
    { reason: `no_${half}_login` },
  )
}
