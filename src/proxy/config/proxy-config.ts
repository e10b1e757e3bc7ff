import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'
import { isWebUrl, parsedUrl } from '../../core/model/url-value.ts'
import { httpMountOptions } from '../../mcp/transport/mount-options.ts'
import { catalogueOptions, catalogueProblems } from './catalogue-config.ts'
import { childrenSchema } from './children-options.ts'
import { commandOptions, commandProblems } from './command-options.ts'
import { CONNECTION_DEFAULTS, type ConnectionDefaults, connectionOptions, tlsProblem } from './connection-config.ts'
import { credentialSchema } from './credential-config.ts'
import { headerProblems, headersSchema } from './header-slots.ts'
import { rejectedWhenSchema, repeatableSchema } from './rejection-options.ts'
import type { ProxyConfig, UpstreamOptions } from './upstream-options.ts'

const NAME = /^[a-z](?:-?[a-z0-9])*$/

// The upstream's name decides the path.
const { path: _, ...mountOptions } = httpMountOptions

const upstreamFields = z.strictObject({
  url: z
    .string()
    .refine(
      isUpstreamUrl,
      'must be an http or https URL without user, password and fragment, such as https://example.com/mcp',
    )
    .optional()
    .describe('Address of the MCP server, which speaks Streamable HTTP.'),
  ...commandOptions,
  label: z.string().min(1).max(60).optional().describe('Name of the service that users see.'),
  credential: credentialSchema,
  headers: headersSchema.optional(),
  mode: z
    .enum(['sessionful', 'stateless'])
    .default('sessionful')
    .describe(
      'stateless: clients have no session, and a call without a credential is answered with error -32042 and the link.',
    ),
  ...catalogueOptions,
  failFast: z
    .boolean()
    .default(false)
    .describe('Answers a call at once with the link, instead of waiting until its user has filled in the form.'),
  rejectedWhen: rejectedWhenSchema,
  repeatable: repeatableSchema,
  maxMessageBytes: z
    .int()
    .min(65_536)
    .max(268_435_456)
    .default(16_777_216)
    .describe('Largest message of the server, in bytes.'),
  ...connectionOptions,
  ...mountOptions,
} satisfies OptionSchemas<UpstreamOptions>)

const upstreamSchema = upstreamFields.superRefine((upstream, context) => {
  for (const { path, message } of [...upstreamProblems(upstream), ...catalogueProblems(upstream)])
    context.addIssue({ code: 'custom', path: [...path], message })
})

/** The configuration file of a proxy. */
export const proxyConfigSchema = z.strictObject({
  upstreams: z
    .record(
      z
        .string()
        .max(40)
        .regex(NAME, 'names have 1 to 40 lower-case letters, digits and single hyphens and start with a letter')
        .refine((name) => name !== 'credentials', 'is the path of the form; take another name'),
      upstreamSchema,
    )
    .refine((upstreams) => Object.keys(upstreams).length > 0, 'needs at least one upstream')
    .describe('MCP servers by name. Each is served at /NAME/mcp.'),
  children: childrenSchema.optional(),
  page: z
    .boolean()
    .default(true)
    .describe('Whether / is a page, open to everybody, that names the servers and shows how to add them to a client.'),
} satisfies Readonly<Record<keyof ProxyConfig, z.ZodType>>)

export type CheckedProxyConfig = z.output<typeof proxyConfigSchema>
export type UpstreamConfig = CheckedProxyConfig['upstreams'][string]

/** An upstream over Streamable HTTP. */
export type HttpUpstreamConfig = UpstreamConfig &
  ConnectionDefaults & {
    readonly url: string
    readonly headers: NonNullable<UpstreamConfig['headers']>
  }

/** An upstream that is started as a process. */
export type CommandUpstreamConfig = UpstreamConfig & { readonly command: NonNullable<UpstreamConfig['command']> }

export function isCommand(upstream: UpstreamConfig): upstream is CommandUpstreamConfig {
  return upstream.command !== undefined
}

/** @throws TypeError for an upstream that is started as a process */
export function httpConfig({ url, headers, ...upstream }: UpstreamConfig): HttpUpstreamConfig {
  if (url === undefined || headers === undefined) throw new TypeError('the upstream has no url')
  const { timeouts = CONNECTION_DEFAULTS.timeouts, perOwner = CONNECTION_DEFAULTS.perOwner } = upstream
  return { ...upstream, url, headers, timeouts, perOwner }
}

interface OptionProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** What belongs to one of the two kinds of upstreams only. */
const OF_URL = ['headers', 'timeouts', 'tls', 'perOwner'] as const
const OF_COMMAND = ['environment', 'env', 'files', 'dangerouslyArgs', 'share', 'check'] as const

function upstreamProblems(upstream: z.output<typeof upstreamFields>): readonly OptionProblem[] {
  const { url, command, headers, credential } = upstream
  if (url !== undefined && command !== undefined)
    return [{ path: ['command'], message: 'cannot be together with url: a server is reached or started' }]
  const foreign = (command === undefined ? OF_COMMAND : OF_URL).flatMap((name) =>
    upstream[name] === undefined
      ? []
      : [{ path: [name], message: `is for an upstream with ${command === undefined ? 'command' : 'url'}` }],
  )
  if (command !== undefined) {
    const unclear = upstream.check !== undefined && upstream.rejectedWhen === undefined
    const unknown = { path: ['check'], message: 'needs rejectedWhen, which tells wrong values from other errors' }
    return [...foreign, ...(unclear ? [unknown] : []), ...commandProblems(upstream, credential.variables)]
  }
  if (url === undefined)
    return [...foreign, { path: ['url'], message: 'is required; or command, for a server over stdio' }]
  if (headers === undefined) return [...foreign, { path: ['headers'], message: 'is required' }]
  const problems = headerProblems(headers, credential.variables)
  const tls = tlsProblem(url, upstream.tls)
  return [
    ...foreign,
    ...problems.map(({ path, message }) => ({ path: ['headers', ...path], message })),
    ...(tls === undefined ? [] : [{ path: ['tls'], message: tls }]),
  ]
}

/** Returns the JSON Schema (2020-12) of the configuration file, for editors. */
export function proxyConfigJsonSchema(): object {
  const schema = z.toJSONSchema(proxyConfigSchema, { io: 'input', unrepresentable: 'any' })
  return { ...schema, title: 'Configuration of the credential proxy of mcp-credential-vault' }
}

/** Returns the options that there are at this path of a schema, for suggestions. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const json: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const at = path.reduce<unknown>(
    (found, key) => member(member(found, 'properties'), key) ?? member(found, 'additionalProperties'),
    json,
  )
  const properties = member(at, 'properties')
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : []
}

function member(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
}

function isUpstreamUrl(text: string): boolean {
  const url = parsedUrl(text)
  return url !== undefined && isWebUrl(url) && url.username === '' && url.password === '' && url.hash === ''
}
