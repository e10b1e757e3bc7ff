import { z } from 'zod'
import { type HashicorpVaultAuthOptions, vaultBackend } from '../../backends/hashicorp-vault/hashicorp-vault.ts'
import { warnAbout } from '../../core/host/process-warning.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import { fromVariables, words } from './environment.ts'

const text = z.string().optional()

/** Uses the names of Vault's own tools where they have one. */
const environmentSchema = z.object({
  VAULT_ADDR: z.string({ error: 'must be the address of Vault, such as https://vault.example.com:8200' }).pipe(words),
  VAULT_NAMESPACE: text,
  VAULT_AUTH_NAMESPACE: text,
  VAULT_KV_MOUNT: text,
  VAULT_KV_PREFIX: text,
  VAULT_CACERT: text,
  VAULT_CLIENT_CERT: text,
  VAULT_CLIENT_KEY: text,
  VAULT_TLS_SERVER_NAME: text,
  MCP_CREDENTIAL_NAMES: z.enum(['readable', 'hashed']).optional(),
})

/** Prefixes of the login variables: for everything, for reading and for writing. */
const LOGINS = { all: 'VAULT_', read: 'VAULT_READ_', write: 'VAULT_WRITE_' } as const

const OPTION_VARIABLES: Readonly<Record<string, string>> = {
  'vaultBackend.address': 'VAULT_ADDR',
  'vaultBackend.namespace': 'VAULT_NAMESPACE',
  'vaultBackend.authNamespace': 'VAULT_AUTH_NAMESPACE',
  'vaultBackend.mount': 'VAULT_KV_MOUNT',
  'vaultBackend.prefix': 'VAULT_KV_PREFIX',
  'vaultBackend.tls.caFile': 'VAULT_CACERT',
  'vaultBackend.tls.certFile': 'VAULT_CLIENT_CERT',
  'vaultBackend.tls.keyFile': 'VAULT_CLIENT_KEY',
  'vaultBackend.tls.serverName': 'VAULT_TLS_SERVER_NAME',
  ...loginVariables('vaultBackend.auth', LOGINS.all),
  ...loginVariables('vaultBackend.auth.read', LOGINS.read),
  ...loginVariables('vaultBackend.auth.write', LOGINS.write),
}

function loginVariables(path: string, prefix: string): Readonly<Record<string, string>> {
  const names = {
    token: 'TOKEN',
    mount: 'AUTH_MOUNT',
    role: 'ROLE',
    roleId: 'ROLE_ID',
    secretId: 'SECRET_ID',
    jwtFile: 'JWT_FILE',
  }
  return Object.fromEntries(Object.entries(names).map(([option, name]) => [`${path}.${option}`, `${prefix}${name}`]))
}

/**
 * Creates the HashiCorp Vault backend that the environment configures. A login is `VAULT_AUTH_METHOD` (default `token`) with `VAULT_TOKEN`
 * or `VAULT_TOKEN_FILE`, `VAULT_ROLE_ID` and `VAULT_SECRET_ID_FILE`, `VAULT_ROLE` and `VAULT_JWT_FILE`. Separate logins for reading and
 * writing use the same names with `VAULT_READ_` and `VAULT_WRITE_`.
 *
 * @throws `configuration_invalid`, naming the variable
 */
export function hashicorpVaultFromEnvironment(environment: NodeJS.ProcessEnv): SecretBackend {
  const settings = parseOptions(environmentSchema, environment, 'environment')
  const read = loginFrom(environment, LOGINS.read)
  const write = loginFrom(environment, LOGINS.write)
  const all = loginFrom(environment, LOGINS.all)
  if (!all && !read && !write) {
    fail('VAULT_AUTH_METHOD: nothing says how to log in to Vault. Set it, or VAULT_TOKEN_FILE')
  }
  if (all && (read || write)) {
    fail(
      'VAULT_AUTH_METHOD: a login for reading and writing is set together with VAULT_READ_… or VAULT_WRITE_…. Keep one kind',
    )
  }
  const tls = {
    caFile: settings.VAULT_CACERT,
    certFile: settings.VAULT_CLIENT_CERT,
    keyFile: settings.VAULT_CLIENT_KEY,
    serverName: settings.VAULT_TLS_SERVER_NAME,
  }
  const make = () =>
    vaultBackend({
      address: settings.VAULT_ADDR,
      auth: all ?? { ...(read && { read }), ...(write && { write }) },
      tls,
      namespace: settings.VAULT_NAMESPACE,
      authNamespace: settings.VAULT_AUTH_NAMESPACE,
      mount: settings.VAULT_KV_MOUNT,
      prefix: settings.VAULT_KV_PREFIX,
      names: settings.MCP_CREDENTIAL_NAMES,
      warn: warnAbout('hashicorp-vault'),
    })
  return fromVariables(OPTION_VARIABLES, make)
}

/** The variables of each method's login. */
const METHOD_VARIABLES = {
  token: ['TOKEN', 'TOKEN_FILE'],
  approle: ['AUTH_MOUNT', 'ROLE', 'ROLE_ID', 'SECRET_ID', 'SECRET_ID_FILE', 'WRAPPED_SECRET_ID_FILE'],
  kubernetes: ['AUTH_MOUNT', 'ROLE', 'JWT_FILE'],
  jwt: ['AUTH_MOUNT', 'ROLE', 'JWT_FILE'],
  cert: ['AUTH_MOUNT', 'ROLE'],
  agent: [],
} as const satisfies Record<string, readonly string[]>

type Method = keyof typeof METHOD_VARIABLES

const AUTH_METHODS = Object.keys(METHOD_VARIABLES)
const LOGIN_VARIABLES = [...new Set(Object.values(METHOD_VARIABLES).flat())]

/** The names of all variables that configure HashiCorp Vault. */
export const hashicorpVaultVariables: readonly string[] = [
  ...Object.keys(environmentSchema.shape),
  ...Object.values(LOGINS).flatMap((prefix) => ['AUTH_METHOD', ...LOGIN_VARIABLES].map((name) => `${prefix}${name}`)),
]

/**
 * Returns the login method, or undefined if no login is configured. A variable without its method is an error; otherwise half of a pair of
 * logins could be missing unnoticed.
 */
function methodFrom(at: (name: string) => string | undefined, prefix: string): Method | undefined {
  const given = LOGIN_VARIABLES.filter((name) => at(name) !== undefined)
  const method = at('AUTH_METHOD') ?? (given.some((name) => name.startsWith('TOKEN')) ? 'token' : undefined)
  if (method === undefined) {
    const [orphan] = given
    if (orphan === undefined) return undefined
    const possible = AUTH_METHODS.filter((name) => isMethod(name) && variablesOf(name).includes(orphan))
    return fail(
      `${prefix}AUTH_METHOD: ${prefix}${orphan} is set, and nothing says for which login. Set it to ${possible.join(' or ')}, or unset the other`,
    )
  }
  if (!isMethod(method)) return fail(`${prefix}AUTH_METHOD: must be one of ${AUTH_METHODS.join(', ')}`)
  const foreign = given.find((name) => !variablesOf(method).includes(name))
  if (foreign !== undefined) fail(`${prefix}${foreign}: it has no part in ${prefix}AUTH_METHOD=${method}. Unset it`)
  return method
}

function isMethod(name: string): name is Method {
  return Object.hasOwn(METHOD_VARIABLES, name)
}

function variablesOf(method: Method): readonly string[] {
  return METHOD_VARIABLES[method]
}

function loginFrom(environment: NodeJS.ProcessEnv, prefix: string): HashicorpVaultAuthOptions | undefined {
  const at = (name: string) => environment[`${prefix}${name}`]
  const required = (name: string) => at(name) ?? fail(`${prefix}${name}: this login needs it`)
  const method = methodFrom(at, prefix)
  const mount = at('AUTH_MOUNT')
  switch (method) {
    case undefined:
      return undefined
    case 'token': {
      const [token, tokenFile] = [at('TOKEN'), at('TOKEN_FILE')]
      if ((token === undefined) === (tokenFile === undefined))
        fail(`${prefix}TOKEN: set either it or ${prefix}TOKEN_FILE`)
      return { method, token, tokenFile }
    }
    case 'approle': {
      const secretIds = ['SECRET_ID', 'SECRET_ID_FILE', 'WRAPPED_SECRET_ID_FILE']
      if (secretIds.filter((name) => at(name) !== undefined).length !== 1)
        fail(`${prefix}SECRET_ID: set exactly one of ${secretIds.map((name) => `${prefix}${name}`).join(', ')}`)
      return {
        method,
        mount,
        role: at('ROLE'),
        roleId: required('ROLE_ID'),
        secretId: at('SECRET_ID'),
        secretIdFile: at('SECRET_ID_FILE'),
        wrappedSecretIdFile: at('WRAPPED_SECRET_ID_FILE'),
      }
    }
    case 'kubernetes':
      return { method, mount, role: required('ROLE'), jwtFile: at('JWT_FILE') }
    case 'jwt':
      return { method, mount, role: required('ROLE'), jwtFile: required('JWT_FILE') }
    case 'cert':
      return { method, mount, role: at('ROLE') }
    case 'agent':
      return { method }
  }
}

function fail(problem: string): never {
  throw new CredentialVaultError('configuration_invalid', `environment.${problem}`, { reason: 'option' })
}
