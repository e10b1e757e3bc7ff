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
  /** Whether `/` is a page, open to everybody, that names the servers and shows how to add them to a client. Default true. */
  readonly page?: boolean
}

/** One MCP server behind the proxy, which stays as it is. */
export interface UpstreamOptions
  extends Omit<HttpMountOptions, 'path'>,
    CommandUpstreamOptions,
    CatalogueOptions,
    ConnectionConfigOptions {
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
  /** Answers a call at once with the link instead of waiting for its user. Default false. */
  readonly failFast?: boolean
  /** Errors of the server's tools that mean that its service did not accept the credential, as HTTP 401 does. Default: none. */
  readonly rejectedWhen?: readonly RejectedWhen[] | undefined
  /** Tools that may be called a second time after such an error, since they only read, or change nothing more. Default: none. */
  readonly repeatable?: readonly string[] | undefined
  /** Largest message of the server in bytes, 65536 to 268435456. Default 16777216; a larger one ends its call. */
  readonly maxMessageBytes?: number
}

/** Which lists clients see. */
export interface CatalogueOptions {
  /**
   * `snapshot` (default): what you have accepted. `discovery`: before a user has connected, what a credential of yours sees. `user`: nothing
   * before a user has connected.
   */
  readonly catalogue?: 'snapshot' | 'discovery' | 'user'
  /** File with the accepted lists. Default: the upstream's name and `.snapshot.json`. */
  readonly snapshot?: string | undefined
  /**
   * Where the fields of a credential of yours are, for `catalogue: discovery` and for taking snapshots. It reads lists and never serves a
   * call.
   */
  readonly discovery?: Readonly<Record<string, DiscoveryValue>> | undefined
  /** Tools that clients see and may call. Default: all. */
  readonly tools?: ToolRuleOptions | undefined
}

/** An environment variable, or a file of which the first line counts. */
export type DiscoveryValue = { readonly env: string } | { readonly file: string }

/** Names of tools; a `*` at the end stands for any rest. What is denied is denied in every spelling. */
export interface ToolRuleOptions {
  /** Only these. Default: all. */
  readonly allow?: readonly string[] | undefined
  /** Not these, whatever `allow` says. */
  readonly deny?: readonly string[] | undefined
}

/** How a server with `url` is reached. */
export interface ConnectionConfigOptions {
  readonly timeouts?: TimeoutOptions | undefined
  readonly tls?: TlsOptions | undefined
  readonly perOwner?: OwnerLimitOptions | undefined
}

export interface TimeoutOptions {
  /** Longest wait for a connection, 0.1 to 120. Default 10. */
  readonly connectSeconds?: number | undefined
  /** Longest wait for the head of an answer, 1 to 3600. Default 300. */
  readonly answerSeconds?: number | undefined
  /** Longest silence within an answer, 1 to 3600. Default 300. Standing streams may be silent. */
  readonly silenceSeconds?: number | undefined
}

/** PEM files. They are read when the proxy starts and when it reloads its configuration. */
export interface TlsOptions {
  /** Authorities to trust for this server, instead of the usual ones. */
  readonly ca?: string | undefined
  /** The proxy's own certificate. Needs `key`. */
  readonly certificate?: string | undefined
  /** Its key, without a passphrase. */
  readonly key?: string | undefined
}

/** What one user may have at once at this server. A further request waits up to 30 seconds. */
export interface OwnerLimitOptions {
  /** Running requests, 1 to 1000. Default 32. */
  readonly calls?: number | undefined
  /** Standing streams, 1 to 10000. Default 100. */
  readonly streams?: number | undefined
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
