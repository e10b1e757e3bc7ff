/**
 * Test suites for authors of secret backends and pending stores.
 *
 * @module mcp-credential-vault/testing
 */

export type { PendingStoreHarness } from './pending-store/harness.ts'
export { describePendingStore, type PendingStoreLimits, type PendingStoreSuite } from './pending-store/suite.ts'
export type { Fault, SecretBackendHarness, VendorOperator } from './secret-backend/harness.ts'
export { describeSecretBackend, type SecretBackendSuite } from './secret-backend/suite.ts'
