import { join } from 'node:path'

/** A weakness that somebody might bring in, as a patch in `patches/`, and the tests that have to notice it. */
export interface Mutation {
  /** Name of the patch, without `.patch`. */
  readonly name: string
  readonly tests: readonly string[]
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'owner-check-off-on-post',
    tests: ['test/attacks/link/forwarded.test.ts', 'test/attacks/link/enumeration.test.ts'],
  },
  {
    name: 'ambient-call',
    tests: [
      ...['p-queue', 'bottleneck', 'fastq', 'async', 'dataloader'].map(
        (name) => `test/attacks/calls/queue-${name}.test.ts`,
      ),
      'test/mcp/sdk-v1/get-credentials.test.ts',
    ],
  },
  { name: 'ambient-user', tests: ['test/attacks/calls/queue-fastq.test.ts'] },
  { name: 'envelope-not-bound-to-owner', tests: ['test/attacks/sealed-envelope/administrator.test.ts'] },
  { name: 'envelope-accepts-plain', tests: ['test/attacks/sealed-envelope/administrator.test.ts'] },
  { name: 'rejection-of-any-version', tests: ['test/attacks/calls/forged-rejection.test.ts'] },
  { name: 'rejection-without-audit', tests: ['test/attacks/calls/forged-rejection.test.ts'] },
  { name: 'snapshot-not-sent', tests: ['test/attacks/echo/changed-after-the-search.test.ts'] },
  { name: 'crossing-unnoticed', tests: ['test/attacks/echo/secret-of-another-owner.test.ts'] },
  { name: 'bound-token-accepted', tests: ['test/attacks/token/bound-to-a-key.test.ts'] },
  { name: 'used-logins-move-the-floor', tests: ['test/attacks/login/flood-signs-everybody-out.test.ts'] },
  {
    name: 'admin-scope-off',
    tests: ['test/attacks/admin/token-without-the-scope.test.ts'],
  },
  { name: 'scim-id-of-any-tenant', tests: ['test/attacks/admin/scim-foreign-id.test.ts'] },
  { name: 'release-not-cut-off', tests: ['test/e2e/offboarding-under-load.test.ts'] },
  { name: 'mark-signature-not-checked', tests: ['test/attacks/sealed-file/forged-mark.test.ts'] },
  { name: 'mark-of-another-version', tests: ['test/attacks/sealed-file/forged-mark.test.ts'] },
  { name: 'outage-not-recognised', tests: ['test/attacks/calls/outage-for-all-users.test.ts'] },
  { name: 'rejections-never-forgotten', tests: ['test/attacks/calls/outage-for-all-users.test.ts'] },
  { name: 'longest-life-ignored', tests: ['test/attacks/form/longest-life-lengthened.test.ts'] },
  { name: 'expired-ignored', tests: ['test/e2e/expiry.test.ts'] },
  { name: 'running-calls-not-ended', tests: ['test/e2e/offboarding-under-load.test.ts'] },
  { name: 'account-csrf-off', tests: ['test/attacks/account/csrf.test.ts'] },
  { name: 'state-of-any-kind', tests: ['test/attacks/sdk-v2/state-of-a-prompt.test.ts'] },
  ...['upstream-state-in-the-clear', 'state-of-any-upstream', 'upstream-state-of-anyone'].map((name) => ({
    name,
    tests: ['test/attacks/proxy/state-of-an-upstream.test.ts'],
  })),
  { name: 'account-ignored', tests: ['test/e2e/accounts.test.ts'] },
  { name: 'unclear-account-allowed', tests: ['test/e2e/accounts.test.ts'] },
  { name: 'reference-of-any-provider', tests: ['test/core/crypto/seal.test.ts'] },
  { name: 'retired-key-counts', tests: ['test/attacks/audit/retired-key.test.ts'] },
  {
    name: 'older-key-excuses',
    tests: ['test/attacks/audit/retirement-removed.test.ts', 'test/attacks/audit/anchored-file-removed.test.ts'],
  },
  { name: 'csrf-off', tests: ['test/attacks/form/csrf-on-submit.test.ts'] },
  { name: 'handle-not-hashed', tests: ['test/core/requests/pending-requests.test.ts'] },
  {
    name: 'claim-not-atomic',
    tests: ['test/attacks/form/simultaneous-submits.test.ts', 'test/pending/memory-pending-store.test.ts'],
  },
  { name: 'fsync-missing', tests: ['test/backends/sealed-file/durability.test.ts'] },
  { name: 'audit-fsync-missing', tests: ['test/audit/json-lines.test.ts'] },
  {
    name: 'signature-not-checked',
    tests: ['test/attacks/sealed-file/foreign-writer.test.ts', 'test/attacks/sealed-file/changed-bytes.test.ts'],
  },
  {
    name: 'link-count-for-identity',
    tests: ['test/attacks/sealed-file/linked-temporary.test.ts', 'test/backends/sealed-file/lost-link.test.ts'],
  },
  { name: 'redirect-followed', tests: ['test/attacks/fetch/redirect.test.ts'] },
  { name: 'echo-guard-off', tests: ['test/core/echo-guard/echo-guard.test.ts', 'test/e2e/handles.test.ts'] },
  {
    name: 'audience-not-checked',
    tests: ['test/attacks/token/other-audience.test.ts', 'test/attacks/token/introspection-other-audience.test.ts'],
  },
  { name: 'audit-chain-not-checked', tests: ['test/attacks/audit/log-changed.test.ts'] },
  { name: 'audit-signature-not-checked', tests: ['test/attacks/audit/log-changed.test.ts'] },
  { name: 'audit-deleted-file-unnoticed', tests: ['test/audit/recovery.test.ts', 'test/audit/json-lines.test.ts'] },
  {
    name: 'save-does-not-look-again',
    tests: [
      'test/attacks/sealed-envelope/revoked-while-resealing.test.ts',
      'test/backends/hashicorp-vault/hashicorp-vault.test.ts',
    ],
  },
  { name: 'revocation-does-not-look-again', tests: ['test/backends/hashicorp-vault/hashicorp-vault.test.ts'] },
  { name: 'reseal-keeps-the-first-mark', tests: ['test/attacks/sealed-envelope/undo-while-resealing.test.ts'] },
  { name: 'vault-cas-off', tests: ['test/backends/hashicorp-vault/hashicorp-vault.test.ts'] },
  { name: 'aws-stage-move-off', tests: ['test/backends/aws-secrets-manager/aws-secrets-manager.test.ts'] },
  { name: 'cookie-without-host-prefix', tests: ['test/web/https-server.test.ts'] },
  { name: 'cookie-not-bound-to-policy', tests: ['test/attacks/session/cookie-from-weaker-login-policy.test.ts'] },
  { name: 'offboarding-choices-not-checked', tests: ['test/attacks/admin/offboard-mistyped.test.ts'] },
  { name: 'key-for-two-uses-accepted', tests: ['test/attacks/sealed-envelope/key-used-twice.test.ts'] },
  { name: 'session-not-asked-again', tests: ['test/attacks/form/submit-after-sessions-ended.test.ts'] },
  {
    name: 'strangers-not-capped',
    tests: ['test/attacks/audit/log-flooded-by-strangers.test.ts', 'test/core/journal/refusal-cap.test.ts'],
  },
  { name: 'json-depth-not-counted', tests: ['test/attacks/http/json-that-is-slow-to-parse.test.ts'] },
  { name: 'end-does-not-wait-for-saves', tests: ['test/e2e/shutdown.test.ts'] },
  { name: 'waiting-calls-left-at-the-end', tests: ['test/e2e/shutdown.test.ts'] },
  { name: 'ready-while-draining', tests: ['test/e2e/shutdown.test.ts'] },
  { name: 'stopping-takes-calls', tests: ['test/attacks/calls/calls-while-stopping.test.ts'] },
  { name: 'slow-body-holds-the-end', tests: ['test/attacks/server/health-routes.test.ts'] },
  { name: 'unread-responses-kept', tests: ['test/attacks/http/responses-that-nobody-reads.test.ts'] },
  { name: 'writer-bundle-that-reads', tests: ['test/backends/sealed-file/bundles.test.ts'] },
  { name: 'mark-key-signs-records', tests: ['test/attacks/tiers/tool-tier-forges-a-record.test.ts'] },
  { name: 'form-tier-not-proven', tests: ['test/vault/tiers.test.ts'] },
  { name: 'store-key-beside-bundle', tests: ['test/backends/sealed-file/bundles.test.ts'] },
  { name: 'login-of-the-other-tier', tests: ['test/e2e/two-tiers.test.ts'] },
  { name: 'outdated-bundle-saves', tests: ['test/backends/sealed-file/bundles.test.ts'] },
  { name: 'client-consent-token-off', tests: ['test/attacks/client-login/consent-skipped.test.ts'] },
  {
    name: 'client-callback-anywhere',
    tests: [
      'test/attacks/client-login/callback-in-another-browser.test.ts',
      'test/attacks/client-login/swapped-state.test.ts',
    ],
  },
  { name: 'client-code-of-any-client', tests: ['test/attacks/client-login/stolen-code.test.ts'] },
  { name: 'client-refresh-of-any-client', tests: ['test/attacks/client-login/refresh-token-of-another.test.ts'] },
  { name: 'client-redirect-uri-unchecked', tests: ['test/attacks/client-login/redirect-uri-off-the-list.test.ts'] },
  { name: 'client-provider-issuer-unchecked', tests: ['test/attacks/client-login/callback-mix-up.test.ts'] },
  { name: 'client-consent-remembered', tests: ['test/attacks/client-login/consent-remembered.test.ts'] },
  { name: 'client-document-of-another', tests: ['test/attacks/client-login/foreign-document.test.ts'] },
  { name: 'client-document-follows', tests: ['test/attacks/client-login/foreign-document.test.ts'] },
  { name: 'client-verifier-unchecked', tests: ['test/attacks/client-login/stolen-code.test.ts'] },
  { name: 'client-foreign-token-passed', tests: ['test/attacks/client-login/token-for-another-service.test.ts'] },
  { name: 'client-refresh-widens', tests: ['test/attacks/client-login/scopes-at-refresh.test.ts'] },
  { name: 'client-nonce-unchecked', tests: ['test/attacks/client-login/provider-without-pkce.test.ts'] },
  { name: 'client-list-outlived', tests: ['test/attacks/client-login/redirect-uri-taken-off-the-list.test.ts'] },
  { name: 'client-outage-ends-tokens', tests: ['test/attacks/client-login/provider-away.test.ts'] },
]

export function patchOf({ name }: Mutation): string {
  return join(import.meta.dirname, 'patches', `${name}.patch`)
}
