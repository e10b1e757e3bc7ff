import { z } from 'zod'
import type { ClientLogin } from '../../core/ports/login/client-login.ts'
import type { Site } from '../http/site.ts'
import type { PageSealer } from '../http/web-parts.ts'
import { CLIENT_LOGIN_SECONDS } from './consent-cookies.ts'

const target = { label: z.string(), digest: z.string(), redirectUri: z.string(), codeChallenge: z.string() }

const askedSchema = z.strictObject({
  ...target,
  name: z.string().optional(),
  state: z.string().optional(),
  scopes: z.array(z.string()),
  prompt: z.array(z.string()),
})
const runningSchema = z.strictObject({
  ...target,
  state: z.string().optional(),
  nonce: z.string(),
  scopes: z.array(z.string()),
})
const codeSchema = z.strictObject({
  digest: z.string(),
  redirectUri: z.string(),
  codeChallenge: z.string(),
  code: z.string(),
  nonce: z.string(),
  scopes: z.array(z.string()),
})
const refreshSchema = z.strictObject({
  digest: z.string(),
  redirectUri: z.string(),
  token: z.string(),
  /** What the login was for. A refresh can ask for fewer. */
  scopes: z.array(z.string()),
})

/** A login that a client asks for, in the consent form. */
export type AskedLogin = z.output<typeof askedSchema>
/** A login that the person agreed to, in the `state` at the identity provider. */
export type RunningLogin = z.output<typeof runningSchema>
/** The identity provider's code, bound to whom it is for. */
export type IssuedCode = z.output<typeof codeSchema>
/** The identity provider's refresh token, bound to whom it is for. */
export type IssuedRefresh = z.output<typeof refreshSchema>

/** The provider ends its refresh tokens itself. Each use seals anew. */
const REFRESH_SECONDS = 400 * 86_400

/**
 * Seals what passes through clients and the identity provider, so that nothing is kept here. A value that was sealed for another step, site
 * or identity provider does not open.
 */
export function createClientSeals(sealer: PageSealer, site: Site, { policy }: Pick<ClientLogin, 'policy'>) {
  const contextOf = (step: string) => JSON.stringify([step, site.origin, site.root, policy])

  function sealOf<T extends object>(
    purpose: 'client-login' | 'client-code' | 'client-refresh',
    step: string,
    schema: z.ZodType<T>,
    seconds: number,
  ) {
    const context = contextOf(step)
    return {
      seal: (value: T): string => sealer.seal(purpose, value, Date.now() + seconds * 1000, context),
      open(sealed: string | undefined): T | undefined {
        const opened = schema.safeParse(sealed === undefined ? undefined : sealer.open(purpose, sealed, context))
        return opened.success ? opened.data : undefined
      },
    }
  }

  return {
    asked: sealOf('client-login', 'asked', askedSchema, CLIENT_LOGIN_SECONDS),
    running: sealOf('client-login', 'running', runningSchema, CLIENT_LOGIN_SECONDS),
    code: sealOf('client-code', 'code', codeSchema, CLIENT_LOGIN_SECONDS),
    refresh: sealOf('client-refresh', 'refresh', refreshSchema, REFRESH_SECONDS),
  }
}

export type ClientSeals = ReturnType<typeof createClientSeals>
