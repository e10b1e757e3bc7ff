/**
 * Collects each user's own access token for MCP tools from the right person, keeps it in a vault, and audits every use.
 *
 * @module mcp-credential-vault
 */

export type { AuditAnchor, AuditCheckpoint } from './audit/anchors/anchor.ts'
export { streamAnchor } from './audit/anchors/stream-anchor.ts'
export { type WebhookAnchorOptions, webhookAnchor } from './audit/anchors/webhook-anchor.ts'
export { jsonLinesAudit } from './audit/json-lines.ts'
export type { JsonLinesAuditOptions } from './audit/json-lines-options.ts'
export { memoryBackend } from './backends/memory.ts'
export { type SealedFileOptions, sealedFile } from './backends/sealed-file/sealed-file.ts'
export type { CredentialHandle, ReleaseOptions } from './core/credentials/credential-handle.ts'
export type { CredentialReference } from './core/credentials/credential-reference.ts'
export { generateKeyText } from './core/crypto/key-text.ts'
export type { EchoGuard, EchoGuardOptions } from './core/echo-guard/echo-guard.ts'
export type { GatedCall } from './core/gate/gated-call.ts'
export type { CredentialRequest, GatedProvider } from './core/gate/gated-provider.ts'
export type { CallExtra, GatePass, ToolCall } from './core/gate/tool-call.ts'
export type { Drain } from './core/host/drain.ts'
export type { Logger } from './core/host/logger.ts'
export type { HealthPart } from './core/journal/health.ts'
export type { NodeHandler } from './core/koa/node-handler.ts'
export type { ErrorReason } from './core/model/error-reason.ts'
export { CredentialVaultError, type ErrorCode, type ErrorDetails, isCredentialVaultError } from './core/model/errors.ts'
export type { Owner, User } from './core/model/owner.ts'
export type { StorageKey } from './core/model/storage-key.ts'
export type {
  CredentialValues,
  ValuesOf,
  VariableOptions,
  VariablesOptions,
  VariableType,
} from './core/model/variables.ts'
export type { Offboarded, OffboardingChoices } from './core/operations/offboarding.ts'
export type { RevokedCredential } from './core/operations/owner-revocation.ts'
export type {
  AuditEvent,
  AuditEventType,
  AuditOutcome,
  AuditPosition,
  AuditReason,
  AuditSink,
} from './core/ports/audit-sink.ts'
export type { BrowserSessions } from './core/ports/browser-sessions.ts'
export type { ChangeFeed } from './core/ports/change-feed.ts'
export type {
  CredentialEvent,
  ExpiringEvent,
  NotEnded,
  OffboardedEvent,
  VaultEventMap,
  VaultEventName,
  VaultEvents,
} from './core/ports/events.ts'
export type { Verification } from './core/ports/form-provider.ts'
export type {
  BrowserLogin,
  Identity,
  IdentityContext,
  IdentityMode,
  LoginStart,
  LoginTransaction,
  Principal,
  ResourceDescription,
  VerifyToken,
} from './core/ports/identity.ts'
export type { KoaApplication, KoaContext, KoaMiddleware, KoaNext } from './core/ports/koa.ts'
export type {
  PendingEntry,
  PendingKey,
  PendingOutcome,
  PendingState,
  PendingStore,
  StoredEntry,
  WebKeyInUse,
} from './core/ports/pending-store.ts'
export type {
  BackendCall,
  CredentialLookup,
  CredentialStatus,
  Expectation,
  OtherServer,
  RevokeIntent,
  RotateCommand,
  SecretBackend,
  StoredCredential,
  StoredVersion,
  VersionLabels,
  VersionRef,
  WriteIntent,
} from './core/ports/secret-backend.ts'
export type { OperationMeter, RunningOperation, TraceCarriers, TraceContext } from './core/ports/telemetry.ts'
export type { TelemetryOptions } from './core/telemetry/telemetry.ts'
export type { HeaderOptions } from './destinations/credential-header.ts'
export type { DestinationOptions } from './destinations/destination.ts'
export { type HttpCheck, type HttpCheckOptions, httpCheck, type JsonScalar } from './destinations/http-check.ts'
export type { IntrospectionOptions } from './identity/access-token/introspection-options.ts'
export type { ClientLoginOptions } from './identity/client-login/client-login-options.ts'
export { type LocalUserOptions, localUser } from './identity/local-user.ts'
export { oidc } from './identity/oidc.ts'
export type { OidcOptions } from './identity/oidc-options.ts'
export { memoryBrowserSessions } from './pending/memory-browser-sessions.ts'
export { memoryPendingStore } from './pending/memory-pending-store.ts'
export type { CredentialVault } from './vault/credential-vault.ts'
export { createStores, type Stores } from './vault/environment/create-stores.ts'
export { type LocalVaultOptions, openLocalVault } from './vault/local/open-local-vault.ts'
export { openVault } from './vault/open-vault.ts'
export type { CloseOptions, Closing, Ending } from './vault/parts/closing.ts'
export type { OpenVaultOptions } from './vault/parts/open-vault-options.ts'
export type { OwnerFrom } from './vault/parts/owner-from-auth-info.ts'
export { CredentialsProvider } from './vault/provider/credentials-provider.ts'
export type { AccountChoice, CredentialsProviderOptions } from './vault/provider/credentials-provider-options.ts'
export type { Verify } from './vault/provider/provider-form.ts'
export type { HealthRoutes, HealthRoutesOptions } from './web/http/health-routes.ts'
export type { RateLimitOptions } from './web/http/page-limits.ts'
