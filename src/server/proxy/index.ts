/**
 * Puts the gate in front of MCP servers that stay as they are. In development: options may still change.
 *
 * @module mcp-credential-vault/proxy
 */

export { type Snapshot, type SnapshotChange, snapshotChanges } from '../../proxy/catalogue/snapshot.ts'
export type { ChildrenOptions } from '../../proxy/config/children-options.ts'
export type { CommandUpstreamOptions, UpstreamFile } from '../../proxy/config/command-options.ts'
export { readProxyConfig } from '../../proxy/config/read-config.ts'
export type {
  ProxyConfig,
  UpstreamCredentialOptions,
  UpstreamHeader,
  UpstreamOptions,
  UpstreamVariable,
} from '../../proxy/config/upstream-options.ts'
export { createProxy } from './create-proxy.ts'
export { takeProxySnapshot } from './take-proxy-snapshot.ts'
