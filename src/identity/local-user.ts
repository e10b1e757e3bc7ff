import { createHash, timingSafeEqual } from 'node:crypto'
import { userInfo } from 'node:os'
import { z } from 'zod'
import { CredentialVaultError } from '../core/model/errors.ts'
import { type OptionSchemas, parseOptions } from '../core/model/options.ts'
import { checkOwner, hasControlCharacter, isWellFormed, MAX_IDENTITY_LENGTH, type Owner } from '../core/model/owner.ts'
import { isLoopback } from '../core/network/loopback.ts'
import type { Identity, IdentityMode } from '../core/ports/identity.ts'

/** Options of `localUser()`. */
export interface LocalUserOptions {
  /** Name of the user who owns the credentials, 1 to 255 characters. Default: the operating system's user name. */
  readonly name?: string | undefined
  /** Bearer token of MCP clients, 32 to 4096 characters of RFC 6750's alphabet. Without it, no MCP client can connect over HTTP. */
  readonly accessToken?: string | undefined
}

const ISSUER = 'local-user'
const NO_ACCESS_TOKEN =
  'No access token is set up on this server, so no MCP client can connect. Set MCP_LOCAL_ACCESS_TOKEN, or localUser({ accessToken }), to one made with: openssl rand -hex 32'

const localUserOptions = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(MAX_IDENTITY_LENGTH)
    .refine((name) => isWellFormed(name) && !hasControlCharacter(name), 'must have no control characters')
    .optional(),
  accessToken: z
    .string()
    .regex(
      /^(?=.{32,4096}$)[A-Za-z0-9._~+/-]+=*$/,
      'must be 32 to 4096 letters, digits and . _ ~ + / - ; make one with: openssl rand -hex 32',
    )
    .optional(),
} satisfies OptionSchemas<LocalUserOptions>)

/**
 * Identity for one person on one machine, without a login: everyone who reaches the server acts as its user. Owner: `local-user` and
 * `name`.
 *
 * `open()` throws `configuration_invalid` unless `serverBaseUrl` is on loopback.
 *
 * @throws `configuration_invalid` for wrong options
 * @example
 * ```ts
 * import { localUser, openVault } from 'mcp-credential-vault'
 *
 * const accessToken = process.env['MCP_LOCAL_ACCESS_TOKEN'] ?? ''
 * const vault = await openVault({
 *   serverBaseUrl: 'http://localhost:8005',
 *   backend,
 *   identity: localUser({ accessToken }),
 * })
 * ```
 */
export function localUser(options: LocalUserOptions = {}): IdentityMode {
  const settings = parseOptions(localUserOptions, options, 'localUser')
  return {
    mode: 'local-user',
    async open({ serverBaseUrl, warn }): Promise<Identity> {
      if (!isLoopback(serverBaseUrl)) {
        throw new CredentialVaultError(
          'configuration_invalid',
          `localUser() does not identify users, so serverBaseUrl must be on localhost, 127.0.0.0/8 or [::1]; this one is on ${serverBaseUrl.host}. The identity modes are: oidc({ issuer, clientId }) for people who sign in at an OpenID Connect provider, and localUser() for one person on one machine.`,
          { reason: 'not_loopback' },
        )
      }
      const user = localOwner(settings.name)
      warn(
        `There is no login: anyone on this machine who can reach port ${portOf(serverBaseUrl)} can fill in forms as ${user.subject}.`,
      )
      return identity({ ...user, displayName: user.subject }, settings.accessToken)
    },
  }
}

/** The only user of `local-user` mode. */
export function localOwner(name = systemUserName()): Owner {
  return checkOwner({ issuer: ISSUER, subject: name })
}

function identity(user: Owner & { readonly displayName: string }, accessToken: string | undefined): Identity {
  return {
    async verifyToken(token) {
      if (accessToken === undefined) {
        throw new CredentialVaultError('token_invalid', NO_ACCESS_TOKEN, { reason: 'access_token_not_configured' })
      }
      if (!sameText(token, accessToken)) {
        throw new CredentialVaultError(
          'token_invalid',
          'The access token is not the one that this server is configured with.',
          {
            reason: 'access_token',
          },
        )
      }
      return { ...user, scopes: [] }
    },
    ...(accessToken === undefined && { noAccessToken: NO_ACCESS_TOKEN }),
    browserLogin: {
      mode: 'local-user',
      hasLogin: false,
      displayName: 'this computer',
      policy: JSON.stringify(['local-user', user.subject]),
      begin: async () => ({ kind: 'signed-in', user }),
      complete: async () => {
        throw new CredentialVaultError('login_failed', 'This server has no login. Open the link again.', {
          reason: 'no_login',
        })
      },
    },
  }
}

/** Compares digests, so that the duration reveals nothing about the text, not even its length. */
function sameText(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function systemUserName(): string {
  try {
    return userInfo().username
  } catch {
    // Containers may run under a user id without a name.
    throw new CredentialVaultError(
      'configuration_invalid',
      'localUser.name: this process has no user name. Set a name.',
      {
        reason: 'option',
      },
    )
  }
}

function portOf(url: URL): string {
  return url.port || (url.protocol === 'https:' ? '443' : '80')
}
