import { z } from 'zod'
import { type HeaderOptions, isSendable, templateParts } from '../../destinations/credential-header.ts'

/** Headers that HTTP, MCP or the proxy set, and those by which a request names another site, another session or another sender. */
const RESERVED = new Set([
  ...['accept', 'accept-encoding', 'connection', 'content-encoding', 'content-length', 'content-type', 'cookie'],
  ...['date', 'expect', 'forwarded', 'host', 'keep-alive', 'last-event-id', 'max-forwards', 'origin', 'referer'],
  ...['set-cookie', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'via', 'x-real-ip', 'x-http-method-override'],
])
const RESERVED_BEGINNINGS = ['mcp-', 'proxy-', 'sec-', 'x-forwarded-', 'access-control-']

/** Whether a slot may not use this header. */
function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase()
  return RESERVED.has(lower) || RESERVED_BEGINNINGS.some((beginning) => lower.startsWith(beginning))
}

const templateSchema = z
  .string()
  .min(1)
  .max(200)
  .refine(isSendable, 'has characters that no header can carry')
  .refine(
    (text) => templateParts(text) !== undefined,
    'has a brace that names no field; write {{ or }} for the brace itself',
  )

const headerSchema = z.union(
  [
    templateSchema.describe('Text with fields, such as Bearer {pat}. Without a field, the same text for every user.'),
    z
      .strictObject({ basic: z.strictObject({ user: templateSchema, password: templateSchema }) })
      .describe('HTTP Basic authentication (RFC 7617).'),
  ],
  { error: 'must be text such as Bearer {pat}, or { basic: { user: "{user}", password: "{pat}" } }' },
)

/** Headers of each request to the upstream, by name. */
export const headersSchema = z
  .record(
    z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, 'is no name of a header')
      .refine((name) => !isReservedHeader(name), 'is a header that HTTP, MCP or the proxy itself sets'),
    headerSchema,
  )
  .describe('Headers of each request to the upstream. Values name fields of the credential in braces.')

type Headers = z.output<typeof headersSchema>
type Variables = Readonly<Record<string, { readonly required: boolean }>>

export interface HeaderProblem {
  readonly path: readonly string[]
  readonly message: string
}

/** Checks what only headers and variables together show. */
export function headerProblems(headers: Headers, variables: Variables): readonly HeaderProblem[] {
  const problems: HeaderProblem[] = []
  const seen = new Set<string>()
  for (const [name, header] of Object.entries(headers)) {
    const add = (message: string) => problems.push({ path: [name], message })
    if (seen.has(name.toLowerCase())) add('names a header twice')
    seen.add(name.toLowerCase())
    if (typeof header !== 'string') {
      if (name.toLowerCase() !== 'authorization') add('basic is for the header Authorization')
      if (!basicOptions(header.basic)) add('basic needs a field or fixed text as user, and one field as password')
    }
    for (const field of fieldsOf(header)) {
      const variable = Object.hasOwn(variables, field) ? variables[field] : undefined
      if (!variable) add(`names the field ${field}, which is not in credential.variables`)
      // Without it the others would be sent alone, such as one user's address with no token.
      else if (!variable.required) add(`names the field ${field}, which has to be required`)
    }
  }
  const fields = Object.values(headers).flatMap(fieldsOf)
  if (fields.length === 0) problems.push({ path: [], message: 'needs a header with a field of the credential' })
  if (Object.values(headers).filter((header) => fieldsOf(header).length > 0).length > 4)
    problems.push({ path: [], message: 'has more than 4 headers with fields' })
  return problems
}

/** Returns the headers that carry the credential, as a destination takes them. */
export function credentialHeaders(headers: Headers): readonly HeaderOptions[] {
  return Object.entries(headers).flatMap(([name, header]): HeaderOptions[] => {
    if (fieldsOf(header).length === 0) return []
    if (typeof header === 'string') return [{ name, template: header }]
    const basic = basicOptions(header.basic)
    return basic ? [basic] : []
  })
}

/** Returns the headers that are the same for every user. */
export function fixedHeaders(headers: Headers): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, header]) =>
      typeof header === 'string' && fieldsOf(header).length === 0
        ? [[name.toLowerCase(), (templateParts(header) ?? []).map(({ text }) => text ?? '').join('')]]
        : [],
    ),
  )
}

function fieldsOf(header: Headers[string]): readonly string[] {
  const texts = typeof header === 'string' ? [header] : [header.basic.user, header.basic.password]
  return texts.flatMap((text) => (templateParts(text) ?? []).flatMap(({ field }) => field ?? []))
}

function basicOptions({ user, password }: { readonly user: string; readonly password: string }) {
  const [name, moreOfName] = templateParts(user) ?? []
  const [secret, moreOfSecret] = templateParts(password) ?? []
  if (!name || moreOfName || !secret || moreOfSecret || secret.field === undefined) return undefined
  if (name.text?.includes(':')) return undefined
  const who = name.field === undefined ? { value: name.text } : { field: name.field }
  return { scheme: 'Basic', user: who, password: { field: secret.field } } as const
}
