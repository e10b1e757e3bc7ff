import Koa, { type Middleware } from 'koa'
import { createNodeHandler } from '../core/koa/node-handler.ts'
import { createCompletion } from '../core/lifecycle/completion.ts'
import { createLastUses } from '../core/lifecycle/last-uses.ts'
import { createStoredTest } from '../core/lifecycle/stored-test.ts'
import { parseOptions } from '../core/model/options.ts'
import { ADMIN_PURPOSES } from '../web/admin/admin-parts.ts'
import { PAGE_PURPOSES } from '../web/http/web-parts.ts'
import { openAdminApi, providerMayBe } from './admin-api.ts'
import { createAttachments } from './attachments.ts'
import type { CredentialVault } from './credential-vault.ts'
import { openOffboarding } from './open-offboarding.ts'
import { createClosing } from './parts/closing.ts'
import { openParts } from './parts/open-parts.ts'
import { type OpenVaultOptions, openVaultOptions } from './parts/open-vault-options.ts'
import { createFormTier } from './tiers/form-tier.ts'
import { createToolTier, listenToChanges, TOOL_PURPOSES } from './tiers/tool-tier.ts'

/**
 * Opens the vault, form tier and tool tier in one, and refuses to start when anything about it is unsafe or unclear: keys, identity, URL,
 * store, cryptography.
 *
 * @throws `configuration_invalid`, `key_wrong`, `key_missing`, `key_exposed`, `key_malformed`, `unavailable`, `unsupported`
 * @example
 * ```ts
 * import { oidc, openVault, sealedFile } from 'mcp-credential-vault'
 *
 * const vault = await openVault({
 *   serverBaseUrl: 'https://mcp.example.com',
 *   backend: sealedFile({ folder: './data' }),
 *   identity: oidc({ issuer: 'https://login.example.com', clientId: 'mcp-form' }),
 * })
 * ```
 */
export async function openVault(options: OpenVaultOptions): Promise<CredentialVault> {
  const checked = parseOptions(openVaultOptions, options, 'openVault')
  const parts = await openParts(options, {
    caller: 'openVault',
    purposes: {
      seal: [...PAGE_PURPOSES.seal, ...TOOL_PURPOSES.seal],
      mac: [...PAGE_PURPOSES.mac, ...ADMIN_PURPOSES.mac],
    },
  })
  const backend = parts.telemetry.watchBackend(options.backend)
  const uses = createLastUses()
  const tools = createToolTier(parts, { backend, options, checked, used: uses.note })
  await listenToChanges(parts, tools)
  const { reader } = tools.services
  const form = createFormTier(parts, {
    backend,
    sessions: options.browserSessions,
    checked,
    changed: reader.forget,
    completion: createCompletion({ backend, calls: parts.calls, log: parts.log, reader }),
    testStored: createStoredTest(tools.services),
    lastUsed: uses.of,
  })
  const { offboard, byEmbedder } = openOffboarding(parts, { backend, form, tools })
  const admin = checked.admin && openAdminApi(parts, { backend, form, tools, offboard, checked, admin: checked.admin })
  const attached = createAttachments()
  const closing = createClosing(parts, () => [...attached.providerEnds(), async () => reader.close()])
  const pages: Middleware = (ctx, next) => form.routes(ctx, async () => tools.metadata.middleware(ctx, next))
  const routes: Middleware = (ctx, next) =>
    admin ? admin.middleware(ctx, async () => pages(ctx, next)) : pages(ctx, next)
  const owns = (path: string) => form.owns(path) || tools.metadata.owns(path)

  return {
    serverBaseUrl: parts.serverBaseUrl,
    get userContext() {
      return tools.userContext
    },
    verifyToken: tools.verifyToken,
    operations: parts.telemetry.operations,
    openPaths: [...form.openPaths, ...tools.metadata.openPaths, ...(admin?.openPaths ?? [])],
    routes,
    bearerGate: tools.bearerGate,
    endSessions: async (owner) => form.endSessions(owner),
    offboard: byEmbedder,
    events: { on: parts.events.on },
    problems: form.problems,
    nodeHandler: () => createNodeHandler(new Koa(), routes, owns),
    healthRoutes: form.healthRoutes,

    register: (app) => attached.register(app, routes),

    attach(provider, end, { replaces = false } = {}) {
      if (admin) providerMayBe(provider.name)
      form.serve(provider, replaces)
      attached.provider(provider, end)
      return { ...tools.services, revoke: form.revoke }
    },

    ...closing,
  }
}
