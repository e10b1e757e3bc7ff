/**
 * Test suites for authors of secret backends, pending stores and browser sessions.
 *
 * @module mcp-credential-vault/testing
 */

export {
  type BrowserSessionsHarness,
  type BrowserSessionsSuite,
  describeBrowserSessions,
} from './browser-sessions/suite.ts'
export type { PendingStoreHarness } from './pending-store/harness.ts'
export { describePendingStore, type PendingStoreLimits, type PendingStoreSuite } from './pending-store/suite.ts'
export type { Fault, SecretBackendHarness, VendorOperator } from './secret-backend/harness.ts'
export { describeSecretBackend, type SecretBackendSuite } from './secret-backend/suite.ts'
