import type { VariableType } from '../../core/model/variables.ts'
import type { HttpMountOptions } from '../../mcp/transport/mount-options.ts'
import type { ChildrenOptions } from './children-options.ts'
import type { CommandUpstreamOptions } from './command-options.ts'
import type { RejectedWhen } from './rejection-options.ts'

/** The configuration of a proxy, as a file has it. */
export interface ProxyConfig {
  /** MCP servers by name: 1 to 40 lower-case letters, digits and single hyphens. Each is served at `/NAME/mcp`. */
  readonly upstreams: Readonly<Record<string, UpstreamOptions>>
  /** The processes of upstreams with `command`. */
  readonly children?: ChildrenOptions | undefined
}

/** One MCP server behind the proxy, which stays as it is. */
export interface UpstreamOptions extends Omit<HttpMountOptions, 'path'>, CommandUpstreamOptions {
  /**
   * Address of the server, which speaks Streamable HTTP: http or https, without user, password and fragment. A server that is started as a
   * process has `command` instead.
   */
  readonly url?: string | undefined
  /** The name of the service that users see, 1 to 60 characters. Default: the upstream's name with a capital letter. */
  readonly label?: string | undefined
  /** What each user enters. */
  readonly credential: UpstreamCredentialOptions
  /** Headers of each request to `url`, by name. At most 4 have fields, and at least one. */
  readonly headers?: Readonly<Record<string, UpstreamHeader>> | undefined
  /** With `stateless`, clients have no session, and a call without a credential gets error -32042 with the link. Default `sessionful`. */
  readonly mode?: 'sessionful' | 'stateless'
  /** File with the accepted lists of the server. Default: none, and each user sees their own lists once they have connected. */
  readonly snapshot?: string | undefined
  /** Answers a call at once with the link instead of waiting for its user. Default false. */
  readonly failFast?: boolean
  /** Errors of the server's tools that mean that its service did not accept the credential, as HTTP 401 does. Default: none. */
  readonly rejectedWhen?: readonly RejectedWhen[] | undefined
  /** Tools that may be called a second time after such an error, since they only read, or change nothing more. Default: none. */
  readonly repeatable?: readonly string[] | undefined
  /** Largest message of the server in bytes, 65536 to 268435456. Default 16777216; a larger one ends its call. */
  readonly maxMessageBytes?: number
}

/** Text with fields in braces, such as `Bearer {pat}`, or HTTP Basic authentication. Text without a field is sent for every user. */
export type UpstreamHeader = string | { readonly basic: { readonly user: string; readonly password: string } }

/** What each user enters for an upstream. The members are as for `CredentialsProvider`. */
export interface UpstreamCredentialOptions {
  /** Name under which the credential is stored. Default: the upstream's name. */
  readonly provider?: string | undefined
  /** The form's fields by name. */
  readonly variables: Readonly<Record<string, UpstreamVariable>>
  readonly doc?: string | undefined
  readonly manageUrl?: string | undefined
  readonly expiry?: 'optional' | 'required' | undefined
  readonly maxAgeDays?: number | undefined
  readonly tokenTimeoutSeconds?: number | undefined
}

/** A field of the form, as for `CredentialsProvider`; `pattern` is the text of a regular expression. */
export interface UpstreamVariable {
  readonly label: string
  readonly type?: VariableType | undefined
  readonly hint?: string | undefined
  readonly required?: boolean | undefined
  readonly pattern?: string | undefined
  readonly maxLength?: number | undefined
  readonly allowedHosts?: readonly string[] | undefined
  readonly secret?: boolean | undefined
}
