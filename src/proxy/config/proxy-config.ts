import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'
import { isWebUrl, parsedUrl } from '../../core/model/url-value.ts'
import { httpMountOptions } from '../../mcp/transport/mount-options.ts'
import { catalogueOptions, catalogueProblems } from './catalogue-config.ts'
import { connectionOptions, tlsProblem } from './connection-config.ts'
import { credentialSchema } from './credential-config.ts'
import { headerProblems, headersSchema } from './header-slots.ts'
import type { UpstreamOptions } from './upstream-options.ts'

const NAME = /^[a-z](?:-?[a-z0-9])*$/

// The upstream's name decides the path.
const { path: _, ...mountOptions } = httpMountOptions

const upstreamSchema = z
  .strictObject({
    url: z
      .string()
      .refine(
        isUpstreamUrl,
        'must be an http or https URL without user, password and fragment, such as https://example.com/mcp',
      )
      .describe('Address of the MCP server, which speaks Streamable HTTP.'),
    label: z.string().min(1).max(60).optional().describe('Name of the service that users see.'),
    credential: credentialSchema,
    headers: headersSchema,
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
    maxMessageBytes: z
      .int()
      .min(65_536)
      .max(268_435_456)
      .default(16_777_216)
      .describe('Largest message of the server, in bytes.'),
    ...connectionOptions,
    ...mountOptions,
  } satisfies OptionSchemas<UpstreamOptions>)
  .superRefine((upstream, context) => {
    for (const { path, message } of headerProblems(upstream.headers, upstream.credential.variables))
      context.addIssue({ code: 'custom', path: ['headers', ...path], message })
    for (const { path, message } of catalogueProblems(upstream))
      context.addIssue({ code: 'custom', path: [...path], message })
    const tls = tlsProblem(upstream.url, upstream.tls)
    if (tls) context.addIssue({ code: 'custom', path: ['tls'], message: tls })
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
  page: z
    .boolean()
    .default(true)
    .describe('Whether / is a page, open to everybody, that names the servers and shows how to add them to a client.'),
})

export type CheckedProxyConfig = z.output<typeof proxyConfigSchema>
export type UpstreamConfig = CheckedProxyConfig['upstreams'][string]

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
