import type { OptionReason } from '../core/model/error-reason.ts'
import { CredentialVaultError, isCredentialVaultError } from '../core/model/errors.ts'
import type {
  BrowserLogin,
  Identity,
  IdentityMode,
  LoginChoice,
  ResourceDescription,
  VerifyToken,
} from '../core/ports/identity.ts'
import { issuerOf } from './access-token/access-token.ts'
import { accessTokenRefusal } from './claims/token-problem.ts'
import { loginRefusal } from './login/login-problem.ts'

/** An identity with the issuers whose tokens it verifies. */
type OneIssuer = Identity & { readonly issuers: readonly [string, ...string[]]; readonly resource: ResourceDescription }

/**
 * Combines several identity providers. The `iss` of a JWT selects the only provider that verifies it; an opaque token goes to the provider
 * that looks tokens up. Users of the form choose where to sign in, because a choice made from the link would reveal its owner's provider.
 * The same subject at two issuers is two owners.
 *
 * `open()` throws `configuration_invalid` for modes that cannot be combined.
 */
export function severalIssuers(modes: readonly IdentityMode[], option = 'openVault.identity'): IdentityMode {
  return {
    mode: 'oidc',
    async open(context): Promise<Identity> {
      const opened = await Promise.all(modes.map((mode) => mode.open({ ...context, several: true })))
      const identities = opened.map((identity, index) => oneIssuer(identity, `${option}[${index}]`))
      const byIssuer = new Map(identities.flatMap((identity) => identity.issuers.map((issuer) => [issuer, identity])))
      return {
        verifyToken: verifyByIssuer(byIssuer, onlyLookUp(identities, option)),
        browserLogin: chosenLogin(identities, option),
        resource: sharedResource(identities, option),
        issuers: checkDistinct(identities, option),
        ownerIssuers: identities.map(({ issuers: [issuer] }) => issuer),
        ...onlyClientLogin(identities, option),
        check: () => anyAnswers(identities),
        ...bannerOf(identities),
      }
    },
  }
}

function verifyByIssuer(byIssuer: ReadonlyMap<string, Identity>, lookUp: Identity | undefined): VerifyToken {
  return async (token) => {
    const issuer = issuerOf(token)
    if (issuer === undefined) {
      if (!lookUp) throw accessTokenRefusal('malformed')
      return lookUp.verifyToken(token)
    }
    const identity = byIssuer.get(issuer)
    if (!identity) throw accessTokenRefusal('issuer')
    return identity.verifyToken(token)
  }
}

function chosenLogin(identities: readonly OneIssuer[], option: string): BrowserLogin {
  const logins = new Map(identities.map(({ issuers: [issuer], browserLogin }) => [issuer, browserLogin]))
  const loginAt = (issuer: string | undefined): BrowserLogin => {
    const login = issuer === undefined ? undefined : logins.get(issuer)
    if (!login) throw loginRefusal('transaction')
    return login
  }
  return {
    mode: 'oidc',
    hasLogin: true,
    displayName: 'your identity provider',
    choices: checkNames(
      [...logins].map(([issuer, login]) => ({
        issuer,
        displayName: login.nameOf?.(issuer) ?? issuer.replace(/^https?:\/\/|\/$/g, ''),
      })),
      option,
    ),
    nameOf: (issuer) => logins.get(issuer)?.nameOf?.(issuer),
    policy: JSON.stringify([...logins.values()].map(({ policy = '' }) => policy).sort()),
    isRecent: (user) => logins.get(user.issuer)?.isRecent?.(user) ?? false,
    begin: async (options) => loginAt(options.issuer).begin(options),
    complete: async (callbackUrl, transaction) => loginAt(transaction['issuer']).complete(callbackUrl, transaction),
  }
}

/** With one provider away, the users of the others can still sign in. */
async function anyAnswers(identities: readonly Identity[]): Promise<void> {
  const asked = await Promise.allSettled(identities.map(async (identity) => identity.check?.()))
  const errors = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const [first] = errors
  if (errors.length === 0 || errors.length < asked.length) return
  if (!isCredentialVaultError(first)) throw first
  const message = errors.map((error) => (isCredentialVaultError(error) ? error.message : '')).join(' ')
  throw new CredentialVaultError(first.code, message.trim(), { reason: first.reason, retryable: first.retryable })
}

/** Refuses two providers of one name, since users could not tell their buttons apart. */
function checkNames(choices: readonly LoginChoice[], option: string): readonly LoginChoice[] {
  const names = choices.map(({ displayName }) => displayName)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return choices
  throw misconfigured('issuer_names', `${option}: two identity providers have the same displayName. Give each its own.`)
}

/** Shows the first banner only, since one warning is enough. */
function bannerOf(identities: readonly Identity[]): Pick<Identity, 'banner'> {
  const banner = identities.map((identity) => identity.banner).find((text) => text !== undefined)
  return banner === undefined ? {} : { banner }
}

function oneIssuer(identity: Identity, option: string): OneIssuer {
  const [issuer, ...aliases] = identity.issuers ?? []
  if (issuer === undefined || !identity.resource || identity.browserLogin.choices) {
    throw misconfigured('identity_list', `${option}: only oidc() can be one of several.`)
  }
  return { ...identity, issuers: [issuer, ...aliases], resource: identity.resource }
}

/** Refuses a second provider that looks up tokens: a token must not be sent to an issuer that may not have issued it. */
function onlyLookUp(identities: readonly Identity[], option: string): Identity | undefined {
  const [first, second] = identities.filter(({ looksUpTokens }) => looksUpTokens)
  if (!second) return first
  throw misconfigured(
    'introspection_twice',
    `${option}: only one of several can have introspection, since an opaque token does not say whose it is.`,
  )
}

/** Refuses a second provider with it: this server is one authorization server, which passes logins on to one place. */
function onlyClientLogin(identities: readonly Identity[], option: string): Pick<Identity, 'clientLogin'> {
  const [first, second] = identities.flatMap(({ clientLogin }) => clientLogin ?? [])
  if (!second) return first ? { clientLogin: first } : {}
  throw misconfigured('client_login_twice', `${option}: only one of several can have clientLogin.`)
}

function checkDistinct(identities: readonly OneIssuer[], option: string): readonly string[] {
  const issuers = identities.flatMap((identity) => identity.issuers)
  const twice = issuers.find((issuer, index) => issuers.indexOf(issuer) !== index)
  if (twice === undefined) return issuers
  throw misconfigured('issuer_twice', `${option}: ${twice} is there twice, as an issuer or an alias.`)
}

/** Clients get one description of this server, so its demands on tokens must be the same for all providers. */
function sharedResource([first, ...others]: readonly OneIssuer[], option: string): ResourceDescription {
  if (!first) throw misconfigured('identity_list', `${option}: give at least one oidc({ issuer, clientId }).`)
  const { resource, scopes } = first.resource
  const same = (other: ResourceDescription) =>
    other.resource === resource && [...other.scopes].sort().join(' ') === [...scopes].sort().join(' ')
  if (!others.every((other) => same(other.resource))) {
    throw misconfigured(
      'identities_differ',
      `${option}: audience and scopes must be the same for all, because clients are given one set.`,
    )
  }
  const authorizationServers = [first, ...others].flatMap((one) => one.resource.authorizationServers)
  return { resource, scopes, authorizationServers }
}

function misconfigured(reason: OptionReason, message: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', message, { reason })
}
