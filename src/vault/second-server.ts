import type { OtherServer } from '../core/ports/secret-backend.ts'

/** What to do about several servers at one address, each with requests and sessions in its own memory. */
export const ONE_OR_SHARED =
  'Run one process at this address, give each its own address, or let them share requests and sessions: openVault.pendingStore and openVault.browserSessions, or MCP_PENDING_STORE.'

/** The warning about another server at this address on the same store. */
export function secondServer({ startedAt }: OtherServer): string {
  const since = startedAt === undefined ? '' : ` (running since ${startedAt.toISOString()})`
  return `Another server at this address${since} uses the same store, but each keeps open requests and sessions in its own memory: neither knows the other's links. ${ONE_OR_SHARED}`
}
