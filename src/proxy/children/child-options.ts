import { z } from 'zod'
import type { EchoGuard } from '../../core/echo-guard/echo-guard.ts'
import type { WriteLog } from '../../core/host/logger.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { functionOption, type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import type { CredentialFile } from './child-folder.ts'
import type { ProcessUser } from './processes/remove-tree.ts'
import { isOwnName, isReservedName } from './reserved-names.ts'
import type { Watchdog } from './watchdog/watchdog.ts'

/** What one child is started with. */
export interface ChildOptions {
  readonly watchdog: Watchdog
  /** Name of the upstream, for logs. */
  readonly upstream: string
  /** Program and parameters. No shell parses them. A program without a slash is looked for in `literals.PATH`. */
  readonly command: readonly string[]
  /** Parameters that follow, and may hold a user's secret. Everybody on the machine can read them, with `ps`. */
  readonly dangerouslyArgs?: readonly string[]
  /** Environment variables that the operator set. `HOME` and `TMPDIR` are the child's own and cannot be set. */
  readonly literals?: Readonly<Record<string, string>>
  /**
   * Environment variables that a user's credential fills. Names by which programs run code or change hosts are refused, and so are empty
   * values: leave out an optional field that the user has not filled in.
   */
  readonly slots?: Readonly<Record<string, string>>
  /** At most 5 of them as descriptors. The same names are refused as for `slots`. */
  readonly files?: readonly CredentialFile[]
  /** Holds every secret among the values. Standard error is searched for them, and so is `command`. */
  readonly guard: EchoGuard
  readonly log: WriteLog
  /** Runs the child as this user, which needs root. */
  readonly user?: ProcessUser
  /** A cgroup v2 folder of the operator's, in which each child gets a cgroup of its own. */
  readonly cgroup?: string
  /** Words in front of the command, such as `['bwrap', '--unshare-net', …]`. */
  readonly wrapper?: readonly string[]
  /**
   * Runs when the process id is known and the command does not run yet, such as to write the audit line of the release. If it rejects, the
   * command never runs, and its folder and files are removed.
   */
  readonly beforeRun?: (pid: number) => Promise<void>
  /** Longest message from or to the child, in bytes. Default 8 MiB. A longer one is dropped and counted. */
  readonly maxMessageBytes?: number
  /** Bytes of messages that the caller has not read, before the child has to wait; and that the child has not read. Default 16 MiB. */
  readonly maxWaitingBytes?: number
  /** Milliseconds until the caller must have called `ready()`. Default 15000. */
  readonly startDeadline?: number
  /** Milliseconds between TERM and KILL. Default 2000. */
  readonly grace?: number
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/
const MAX_DESCRIPTORS = 5

// spawn() would repeat a text with a NUL in its error.
const text = (longest: number) =>
  z
    .string()
    .max(longest)
    .refine((value) => !value.includes('\0'), 'must not contain a NUL character')
// Linux takes at most 128 kB for one variable.
const values = (least: number) => z.record(z.string(), text(100_000).min(least)).default({})
const words = z.array(text(32_768)).max(256)
const isObject = (value: unknown) => typeof value === 'object' && value !== null
const whole = (least: number, most: number, usual: number) => z.int().min(least).max(most).default(usual)

const fileSchema = z.strictObject({
  variable: z.string(),
  contents: z.string().min(1).max(262_144),
  name: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/, 'must be a plain file name')
    .exactOptional(),
  as: z.enum(['file', 'descriptor']).exactOptional(),
} satisfies OptionSchemas<CredentialFile>)

const schema = z
  .strictObject({
    watchdog: z.custom<Watchdog>(isObject, 'must be a watchdog'),
    upstream: z.string().min(1).max(100),
    command: words.min(1).transform((all): readonly [string, ...string[]] => [all[0] ?? '', ...all.slice(1)]),
    dangerouslyArgs: words.default([]),
    literals: values(0),
    slots: values(1),
    files: z.array(fileSchema).max(32).default([]),
    guard: z.custom<EchoGuard>(isObject, 'must be an echo guard'),
    log: z.custom<WriteLog>((value) => typeof value === 'function', 'must be a function'),
    user: z.strictObject({ uid: z.int().min(0), gid: z.int().min(0) }).optional(),
    cgroup: z
      .string()
      .regex(/^\/[^\n\0]+$/, 'must be an absolute path')
      .optional(),
    wrapper: words.default([]),
    beforeRun: functionOption<(pid: number) => Promise<void>>(),
    maxMessageBytes: whole(1_024, 268_435_456, 8_388_608),
    maxWaitingBytes: whole(1_024, 1_073_741_824, 16_777_216),
    startDeadline: whole(1, 600_000, 15_000),
    grace: whole(0, 60_000, 2_000),
  } satisfies OptionSchemas<ChildOptions>)
  .superRefine(({ literals, slots, files }, context) => {
    const filled = [...Object.keys(slots), ...files.map(({ variable }) => variable)]
    const names = [...Object.keys(literals), ...filled]
    for (const [at, name] of names.entries()) {
      const problem =
        names.indexOf(name) === at ? nameProblem(name, filled.includes(name)) : `${name} is declared twice`
      if (problem !== undefined) context.addIssue(problem)
    }
    const fileNames = files.map((file) => file.name ?? file.variable.toLowerCase())
    if (new Set(fileNames).size < files.length) context.addIssue('two files have the same name')
    if (files.filter((file) => file.as === 'descriptor').length > MAX_DESCRIPTORS)
      context.addIssue(`more than ${MAX_DESCRIPTORS} files are descriptors`)
    if (files.some((file) => file.as === 'descriptor') && process.platform !== 'linux')
      context.addIssue('files as descriptors need Linux')
  })

/** A wrong name is not repeated, since it may be a secret in the place of a name. */
function nameProblem(name: string, isFilled: boolean): string | undefined {
  if (!VARIABLE.test(name))
    return 'the name of a variable has 1 to 128 letters, digits and underscores, and no digit first'
  if (isOwnName(name)) return `${name} is set by the proxy or by a shell, so it cannot be declared`
  if (!isFilled || !isReservedName(name)) return undefined
  return `${name} must not be filled from a user: programs run code or choose hosts by it. Set it as a literal.`
}

export type CheckedOptions = z.output<typeof schema>

/**
 * Checks what a child is to be started with. No error contains a value.
 *
 * @throws `configuration_invalid` (`option`, `child_secret_argument`)
 */
export function checkOptions(options: ChildOptions): CheckedOptions {
  const checked = parseOptions(schema, options, 'child')
  if (options.guard.finds([...checked.wrapper, ...checked.command])) {
    throw new CredentialVaultError(
      'configuration_invalid',
      'child.command: holds a secret of the user, which every user of the machine can read there. Use a variable or a file.',
      { reason: 'child_secret_argument' },
    )
  }
  return checked
}
