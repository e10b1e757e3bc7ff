import { AsyncLocalStorage } from 'node:async_hooks'
import Koa from 'koa'
import { createNodeHandler } from '../core/koa/node-handler.ts'
import { CredentialVaultError } from '../core/model/errors.ts'
import type { User } from '../core/model/owner.ts'
import type { KoaMiddleware } from '../core/ports/koa.ts'
import type { Tier } from '../core/ports/secret-backend.ts'
import { createAttachments } from './attachments.ts'
import type { CredentialVault, ProviderServices } from './credential-vault.ts'
import type { OpenVaultOptions } from './parts/open-vault-options.ts'
import { FORM_TIER_OPTIONS, openFormTier } from './tiers/form-tier.ts'
import { openToolTier, TOOL_TIER_OPTIONS } from './tiers/tool-tier.ts'

/**
 * Opens the form tier as a vault, for a module of tools that runs in either tier: its providers get their pages, and its tools are never
 * called. What only the tool tier does throws `forbidden`.
 *
 * @throws what `openVault` throws, and `configuration_invalid` (`tier_keys`) if this process may read credentials
 */
export async function openFormTierVault(options: OpenVaultOptions): Promise<CredentialVault> {
  refuseAdmin(options)
  const attached = createAttachments()
  const form = await openFormTier(only(FORM_TIER_OPTIONS, options), attached.providerEnds)
  const noCalls = new AsyncLocalStorage<User>()
  return {
    serverBaseUrl: form.serverBaseUrl,
    userContext: noCalls,
    verifyToken: async () => refuse('form'),
    openPaths: form.openPaths,
    routes: form.routes,
    bearerGate: () => refuse('form'),
    endSessions: form.endSessions,
    offboard: async () => refuse('form'),
    events: form.events,
    problems: form.problems,
    nodeHandler: form.nodeHandler,
    register: (app) => attached.register(app, form.routes),
    attach(provider, end, { replaces = false } = {}) {
      form.serve(provider, replaces)
      attached.provider(provider, end)
      return new Proxy({} as ProviderServices, { get: () => refuse('form') })
    },
    proven: form.proven,
    healthRoutes: form.healthRoutes,
    onClose: form.onClose,
    close: form.close,
  }
}

/**
 * Opens the tool tier as a vault: it serves the metadata and no page, and what only the form tier does throws `forbidden`.
 *
 * @throws what `openVault` throws
 */
export async function openToolTierVault(options: OpenVaultOptions): Promise<CredentialVault> {
  refuseAdmin(options)
  const attached = createAttachments()
  const tools = await openToolTier(only(TOOL_TIER_OPTIONS, options), attached.providerEnds)
  const { middleware, owns, openPaths } = tools.metadata
  const routes: KoaMiddleware = middleware
  return {
    serverBaseUrl: tools.serverBaseUrl,
    operations: tools.operations,
    get userContext() {
      return tools.userContext
    },
    verifyToken: tools.verifyToken,
    openPaths,
    routes,
    bearerGate: tools.bearerGate,
    endSessions: async () => refuse('tool'),
    offboard: async () => refuse('tool'),
    events: tools.events,
    problems: tools.problems,
    nodeHandler: () => createNodeHandler(new Koa(), middleware, owns),
    register: (app) => attached.register(app, routes),
    attach(provider, end, { replaces = false } = {}) {
      tools.declare(provider, replaces)
      attached.provider(provider, end)
      return { ...tools.services, revoke: async () => refuse('tool') }
    },
    healthRoutes: tools.healthRoutes,
    onClose: tools.onClose,
    close: tools.close,
  }
}

function only<K extends keyof OpenVaultOptions>(
  names: readonly K[],
  options: OpenVaultOptions,
): Pick<OpenVaultOptions, K> {
  const wanted: ReadonlySet<string> = new Set(names)
  const entries = Object.entries(options).filter(([name, value]) => wanted.has(name) && value !== undefined)
  // Every required option is among the names of either tier.
  return Object.fromEntries(entries) as unknown as Pick<OpenVaultOptions, K>
}

function refuseAdmin({ admin }: OpenVaultOptions): void {
  if (!admin) return
  throw new CredentialVaultError(
    'configuration_invalid',
    'openVault.admin: the admin API ends what runs in both tiers, so it needs a server that is both. Unset it, and offboard with "mcp-credential-vault offboard".',
    { reason: 'option' },
  )
}

const DUTIES: Readonly<Record<Exclude<Tier, 'both'>, string>> = {
  form: 'This process is the form tier: it serves the pages, and neither runs tools nor reads credentials. Do this in the tool tier, or offboard with "mcp-credential-vault offboard".',
  tool: 'This process is the tool tier: it reads credentials, and neither saves nor revokes one. Owners do so on their page, operators with "mcp-credential-vault revoke".',
}

function refuse(tier: keyof typeof DUTIES): never {
  throw new CredentialVaultError('forbidden', DUTIES[tier], { reason: 'other_tier' })
}
