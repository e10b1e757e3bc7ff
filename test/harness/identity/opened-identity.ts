import { inspect } from 'node:util'
import { afterAll, beforeAll, expect } from 'vitest'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { Identity, LoginTransaction } from '../../../src/core/ports/identity.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import type { OidcOptions } from '../../../src/identity/oidc-options.ts'
import { browserOf, type TestBrowser } from '../browser/test-browser.ts'
import { browserClient, startIdentityProvider, type TestIdentityProvider } from './identity-provider.ts'

export const SERVER_BASE_URL = new URL('http://localhost:39999')
export const CALLBACK_URL = new URL('http://localhost:39999/credentials/callback')
export const RESOURCE = 'http://localhost:39999/mcp'
export const FORM_CLIENT = 'credential-form'

export interface OpenedIdentity extends Identity {
  readonly warnings: readonly string[]
}

export async function openIdentity(options: OidcOptions): Promise<OpenedIdentity> {
  const warnings: string[] = []
  const identity = await oidc(options).open({
    serverBaseUrl: SERVER_BASE_URL,
    callbackUrl: CALLBACK_URL,
    warn: (message) => warnings.push(message),
  })
  return { ...identity, warnings }
}

export interface IdentityUnderTest {
  readonly provider: TestIdentityProvider
  readonly identity: OpenedIdentity
}

/** {@link startIdentity} for all tests of a file, which ends with them. */
export function identityUnderTest(): IdentityUnderTest {
  let under: IdentityUnderTest
  beforeAll(async () => {
    under = await startIdentity()
  })
  afterAll(() => under.provider.close())
  return {
    get provider() {
      return under.provider
    },
    get identity() {
      return under.identity
    },
  }
}

/** A real identity provider, and `oidc()` opened against it. */
export async function startIdentity(options: Partial<OidcOptions> = {}): Promise<IdentityUnderTest> {
  const provider = await startFormProvider()
  return { provider, identity: await openIdentity({ issuer: provider.issuer, clientId: FORM_CLIENT, ...options }) }
}

export function startFormProvider(
  options: Partial<Parameters<typeof startIdentityProvider>[0]> = {},
): Promise<TestIdentityProvider> {
  return startIdentityProvider({
    resource: RESOURCE,
    clients: [browserClient(FORM_CLIENT, [CALLBACK_URL.href])],
    ...options,
  })
}

export interface BegunLogin {
  readonly redirectTo: string
  readonly transaction: LoginTransaction
}

export async function beginLogin(identity: Identity, switchAccount = false): Promise<BegunLogin> {
  const start = await identity.browserLogin.begin({ switchAccount })
  if (start.kind !== 'redirect') throw new Error('The login has no second half.')
  return start
}

/** Signs a user in as far as the callback, which is not yet completed. */
export async function answerLogin(
  { provider, identity }: { provider: TestIdentityProvider; identity: Identity },
  user: string,
  browser: TestBrowser = browserOf(),
): Promise<{ readonly callback: URL; readonly transaction: LoginTransaction }> {
  const { redirectTo, transaction } = await beginLogin(identity)
  return { callback: await provider.signIn(redirectTo, user, browser), transaction }
}

/** Gets tokens that the provider issues to the form's client, with the code flow but without our code. */
export async function realTokens(
  under: IdentityUnderTest,
  user: string,
): Promise<{ readonly access_token: string; readonly id_token: string }> {
  const { callback, transaction } = await answerLogin(under, user)
  const response = await fetch(`${under.provider.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: FORM_CLIENT,
      redirect_uri: CALLBACK_URL.href,
      code: callback.searchParams.get('code') ?? '',
      code_verifier: transaction['codeVerifier'] ?? '',
    }),
  })
  return (await response.json()) as { access_token: string; id_token: string }
}

/** The error of a promise that must fail with one of ours. None of `secrets`, and no part of a JWT among them, is found in it. */
export async function refusal(promise: Promise<unknown>, ...secrets: string[]): Promise<CredentialVaultError> {
  const error: unknown = await promise.then(
    () => expect.fail('It was accepted.'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof CredentialVaultError)) throw error
  const everything = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true }) + JSON.stringify(error)
  for (const part of secrets.flatMap((secret) => [secret, ...secret.split('.')])) {
    if (part.length >= 8) expect(everything).not.toContain(part)
  }
  expect(error.cause).toBeUndefined()
  return error
}
