import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'
import type { CatalogueOptions, DiscoveryValue, ToolRuleOptions } from './upstream-options.ts'

/** A name, or a beginning with `*` at its end. Long enough for a server's name in front. */
const toolName = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => !text.slice(0, -1).includes('*'), 'may have * at its end only')
  .refine((text) => /[\p{L}\p{N}]/u.test(text), 'needs a letter or a digit; leave the list out to name every tool')

const toolRuleSchema = z
  .strictObject({
    allow: z.array(toolName).min(1).optional().describe('Only these tools, by name or by a beginning such as get_*.'),
    deny: z.array(toolName).min(1).optional().describe('Not these tools, by name or by a beginning such as delete_*.'),
  } satisfies OptionSchemas<ToolRuleOptions>)
  .refine(({ allow, deny }) => allow !== undefined || deny !== undefined, 'needs allow, deny or both')

const discoveryValueSchema = z.union(
  [
    z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no name of an environment variable') }),
    z.strictObject({ file: z.string().min(1) }),
  ] satisfies readonly z.ZodType<unknown, DiscoveryValue>[],
  { error: 'must be { env: NAME } or { file: PATH }; the value itself does not belong into this file' },
)

export const catalogueOptions = {
  catalogue: z
    .enum(['snapshot', 'discovery', 'user'])
    .default('snapshot')
    .describe(
      'Lists that clients see. snapshot: what you have accepted. discovery: before a user has connected, what a credential of yours sees. user: nothing before a user has connected.',
    ),
  snapshot: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File with the accepted lists, which `mcp-credential-vault proxy snapshot` writes. Default: NAME.snapshot.json beside this file.',
    ),
  discovery: z
    .record(z.string(), discoveryValueSchema)
    .optional()
    .describe(
      'Where the fields of a credential of yours are, for catalogue: discovery and for taking snapshots. It reads lists and never serves a call.',
    ),
  tools: toolRuleSchema.optional().describe('Tools that clients see and may call. Default: all.'),
} satisfies OptionSchemas<CatalogueOptions>

interface Checked {
  readonly catalogue: 'snapshot' | 'discovery' | 'user'
  readonly snapshot?: string | undefined
  readonly discovery?: Readonly<Record<string, unknown>> | undefined
  readonly credential: { readonly variables: Readonly<Record<string, { readonly required: boolean }>> }
}

/** Checks what only several options together show. */
export function catalogueProblems({ catalogue, snapshot, discovery, credential }: Checked) {
  const problems: { readonly path: readonly string[]; readonly message: string }[] = []
  const add = (path: readonly string[], message: string) => problems.push({ path, message })
  if (snapshot !== undefined && catalogue !== 'snapshot') add(['snapshot'], 'is for catalogue: snapshot')
  if (discovery !== undefined && catalogue === 'user')
    add(['discovery'], 'is for catalogue: discovery, and for taking snapshots')
  if (discovery === undefined && catalogue !== 'discovery') return problems
  const { variables } = credential
  for (const field of Object.keys(discovery ?? {}))
    if (!Object.hasOwn(variables, field)) add(['discovery', field], 'names no field of credential.variables')
  const missing = Object.keys(variables).filter(
    (name) => variables[name]?.required === true && !Object.hasOwn(discovery ?? {}, name),
  )
  if (missing.length > 0)
    add(['discovery'], `needs the fields of a credential of yours that can read the lists: ${missing.join(', ')}`)
  return problems
}
