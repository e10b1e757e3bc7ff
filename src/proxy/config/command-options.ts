import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'
import { templateParts } from '../../destinations/credential-header.ts'
import { isOwnName, isReservedName } from '../children/reserved-names.ts'

/** How an MCP server is started that speaks over stdio, in place of `url` and `headers`. Each client session has a process of its own. */
export interface CommandUpstreamOptions {
  /** Program and parameters, without a shell. A program without a slash is looked for in `environment.PATH`. */
  readonly command?: readonly string[] | undefined
  /** Environment variables, the same for every user. Nothing else of the proxy's own environment reaches the server. */
  readonly environment?: Readonly<Record<string, string>> | undefined
  /** Environment variables made of fields in braces, such as `{pat}`. At least one of `env`, `files` and `dangerouslyArgs` is needed. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Files of mode 0600 made of fields in braces, by the environment variable that gets their path. They are removed with the process. */
  readonly files?: Readonly<Record<string, UpstreamFile>> | undefined
  /** Parameters after `command`, made of fields in braces. Everybody on the machine can read them, with `ps`. */
  readonly dangerouslyArgs?: readonly string[] | undefined
  /**
   * `session`: each client session has a process of its own. `owner`: the sessions of one user share one, which can ask its user nothing.
   * Default `session`.
   */
  readonly share?: 'session' | 'owner' | undefined
  /** Tries new values before they are saved: a server is started with them, and this tool, which must only read, is called. Default: none. */
  readonly check?: UpstreamCheck | undefined
  /** Seconds until the server must have answered `initialize`, 1 to 600. Default 15. */
  readonly startDeadlineSeconds?: number
}

export interface UpstreamFile {
  /** The whole content. `{{` and `}}` stand for braces. */
  readonly contents: string
  /** The file's name, as some programs want a certain one. Default: the variable's name in lower case. */
  readonly name?: string | undefined
  /** `descriptor`, on Linux: a file without a name, which only the command itself can read. Default `file`. */
  readonly as?: 'file' | 'descriptor' | undefined
}

export interface UpstreamCheck {
  readonly tool: string
  /** What the tool is called with. Default `{}`. */
  readonly arguments?: Readonly<Record<string, unknown>> | undefined
}

const MAX_TEMPLATE = 65_536

const isWithoutNul = (text: string) => !text.includes('\0')
const plain = z.string().max(32_768).refine(isWithoutNul, 'must not contain a NUL character')
const template = z
  .string()
  .min(1)
  .max(MAX_TEMPLATE)
  .refine(isWithoutNul, 'must not contain a NUL character')
  .refine(
    (text) => templateParts(text) !== undefined,
    'has a brace that names no field; write {{ or }} for the brace itself',
  )

const variableName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]{0,127}$/,
    'names have 1 to 128 letters, digits and underscores, and start with no digit',
  )
  .refine((name) => !isOwnName(name), 'is set by the proxy or by a shell, so it cannot be declared')
const slotName = variableName.refine(
  (name) => !isReservedName(name),
  'must not be filled from a user: programs run code or choose hosts by it; set it in environment',
)

const fileSchema = z.strictObject({
  contents: template.describe("The file's content, with fields in braces."),
  name: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/, 'must be a plain file name')
    .optional(),
  as: z.enum(['file', 'descriptor']).optional(),
} satisfies OptionSchemas<UpstreamFile>)

/** Options of an upstream that is started as a process. */
export const commandOptions = {
  command: z.array(plain.min(1)).min(1).max(256).optional().describe('Program and parameters of a server over stdio.'),
  environment: z
    .record(variableName, plain)
    .optional()
    .describe('Environment variables, the same for every user. The server gets no others, but HOME and TMPDIR.'),
  env: z.record(slotName, template).optional().describe('Environment variables made of fields, such as {pat}.'),
  files: z.record(slotName, fileSchema).optional().describe('Files made of fields, by the variable with their path.'),
  dangerouslyArgs: z
    .array(template)
    .min(1)
    .max(64)
    .optional()
    .describe('Parameters made of fields. Everybody on the machine can read them, with ps.'),
  share: z
    .enum(['session', 'owner'])
    .optional()
    .describe('Whether the sessions of one user share a process. Default session.'),
  check: z
    .strictObject({
      tool: z.string().min(1).max(128),
      arguments: z.record(z.string(), z.unknown()).optional(),
    } satisfies OptionSchemas<UpstreamCheck>)
    .optional()
    .describe('A call that only reads, by which new values are tried before they are saved.'),
  startDeadlineSeconds: z.int().min(1).max(600).default(15).describe('Seconds until the server must have started.'),
} satisfies OptionSchemas<CommandUpstreamOptions>

export type CheckedCommand = z.output<z.ZodObject<typeof commandOptions>>

export interface CommandProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** Checks what only the slots and the variables together show. */
export function commandProblems(
  command: CheckedCommand,
  variables: Readonly<Record<string, { readonly required: boolean }>>,
): readonly CommandProblem[] {
  const problems: CommandProblem[] = []
  const slots = slotsOf(command)
  for (const { path, text } of slots) {
    const fields = fieldsIn(text)
    if (fields.length === 0 && path[0] !== 'dangerouslyArgs')
      problems.push({ path, message: 'names no field of the credential; what is the same for all belongs elsewhere' })
    for (const field of fields) {
      const variable = Object.hasOwn(variables, field) ? variables[field] : undefined
      if (!variable) problems.push({ path, message: `names the field ${field}, which is not in credential.variables` })
      // Without it the others would travel alone, such as one user's address with no token.
      else if (!variable.required)
        problems.push({ path, message: `names the field ${field}, which has to be required` })
    }
  }
  if (!slots.some(({ text }) => fieldsIn(text).length > 0))
    problems.push({ path: ['command'], message: 'needs env, files or dangerouslyArgs with a field of the credential' })
  return [...problems, ...twice(command)]
}

interface Slot {
  readonly path: readonly (string | number)[]
  readonly text: string
}

function slotsOf({ env = {}, files = {}, dangerouslyArgs = [] }: CheckedCommand): readonly Slot[] {
  return [
    ...Object.entries(env).map(([name, text]) => ({ path: ['env', name], text })),
    ...Object.entries(files).map(([name, { contents }]) => ({ path: ['files', name, 'contents'], text: contents })),
    ...dangerouslyArgs.map((text, at) => ({ path: ['dangerouslyArgs', at], text })),
  ]
}

function twice({ environment = {}, env = {}, files = {} }: CheckedCommand): readonly CommandProblem[] {
  const names = [environment, env, files].flatMap((one) => Object.keys(one))
  const repeated = names.filter((name, at) => names.indexOf(name) !== at)
  const fileNames = Object.entries(files).map(([variable, { name }]) => name ?? variable.toLowerCase())
  return [
    ...repeated.map((name) => ({ path: [name in files ? 'files' : 'env', name], message: 'is declared twice' })),
    ...(new Set(fileNames).size < fileNames.length ? [{ path: ['files'], message: 'has two files of one name' }] : []),
  ]
}

export function fieldsIn(text: string): readonly string[] {
  return (templateParts(text) ?? []).flatMap(({ field }) => field ?? [])
}
