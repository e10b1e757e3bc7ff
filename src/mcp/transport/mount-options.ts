import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'

/** Options of every mount that serves MCP over HTTP, whichever SDK it uses. */
export interface HttpMountOptions {
  /** Path below the base URL. Default `/mcp`. */
  readonly path?: string
  /** Most sessions at once, 1 to 1000000. Default 10000; a further client gets 503. */
  readonly maxSessions?: number
  /** Most sessions of one user at once, 1 to 1000000. Default 100; a further one gets 503. */
  readonly maxSessionsPerOwner?: number
  /** A session without a request or open stream ends after this many seconds, 10 to 604800. Default 1800. */
  readonly sessionIdleSeconds?: number
  /** Largest request body in bytes, 1024 to 67108864. Default 4194304; a larger one gets 413. */
  readonly maxBodyBytes?: number
  /** Most responses of one user that are open at once, event streams too, 1 to 1000000. Default 500; a further request gets 503. */
  readonly maxOpenResponsesPerOwner?: number
  /**
   * Most bytes that one user's clients may leave unread, 65536 to 1073741824. Default 33554432. Above it, the responses that were unread
   * for longest are cut off after two seconds. A single unread response may hold more.
   */
  readonly maxUnreadBytesPerOwner?: number
  /** Seconds after which a response is cut off when its client reads nothing of what is waiting, 1 to 3600. Default 30. */
  readonly writeTimeoutSeconds?: number
}

/** The options with their defaults. */
export type CheckedMountOptions = Required<HttpMountOptions>

export const httpMountOptions = {
  path: z
    .string()
    .regex(/^(\/[A-Za-z0-9._~-]+)+$/, 'must be a path such as /mcp')
    .default('/mcp'),
  maxSessions: z.int().min(1).max(1_000_000).default(10_000),
  maxSessionsPerOwner: z.int().min(1).max(1_000_000).default(100),
  sessionIdleSeconds: z.int().min(10).max(604_800).default(1800),
  maxBodyBytes: z.int().min(1024).max(67_108_864).default(4_194_304),
  maxOpenResponsesPerOwner: z.int().min(1).max(1_000_000).default(500),
  maxUnreadBytesPerOwner: z.int().min(65_536).max(1_073_741_824).default(33_554_432),
  writeTimeoutSeconds: z.int().min(1).max(3600).default(30),
} satisfies OptionSchemas<HttpMountOptions>
