import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { AuditAnchor } from '../../audit/anchors/anchor.ts'
import { streamAnchor } from '../../audit/anchors/stream-anchor.ts'
import { webhookAnchor } from '../../audit/anchors/webhook-anchor.ts'
import { createJsonLines, type JsonLinesAudit } from '../../audit/json-lines.ts'
import { warnAbout } from '../../core/host/process-warning.ts'
import { unreadableFile } from '../../core/host/shown-path.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions, wordsIn } from '../../core/model/options.ts'
import { isUrl } from '../../core/model/url-value.ts'
import { fromVariables, keyOptions, wholeNumber, withoutEmpty } from './environment.ts'
import { auditFolderOf } from './folders.ts'

const environmentSchema = z.object({
  MCP_VAULT_FOLDER: z.string().optional(),
  MCP_AUDIT_FOLDER: z.string().optional(),
  MCP_AUDIT_KEY: z.string().optional(),
  MCP_AUDIT_KEY_FILE: z.string().optional(),
  MCP_AUDIT_KEY_ACCEPTED: z.string().optional(),
  MCP_AUDIT_KEY_ACCEPTED_FILE: z.string().optional(),
  MCP_AUDIT_SUBJECTS: z.enum(['clear', 'pseudonym']).optional(),
  MCP_AUDIT_KEEP_DAYS: wholeNumber.optional(),
  MCP_AUDIT_SEGMENT_MEGABYTES: wholeNumber.optional(),
  MCP_AUDIT_ANCHOR: z.string().optional(),
  MCP_AUDIT_ANCHOR_TOKEN_FILE: z.string().optional(),
})

export const auditVariables: readonly string[] = Object.keys(environmentSchema.shape)

type Settings = z.output<typeof environmentSchema>

const OPTION_VARIABLES = {
  'jsonLinesAudit.keepDays': 'MCP_AUDIT_KEEP_DAYS',
  'jsonLinesAudit.maxSegmentBytes': 'MCP_AUDIT_SEGMENT_MEGABYTES',
  'webhookAnchor.url': 'MCP_AUDIT_ANCHOR',
  'webhookAnchor.token': 'MCP_AUDIT_ANCHOR_TOKEN_FILE',
} as const

const MEGABYTE = 1024 * 1024

/**
 * Opens the audit log that the environment configures: `docs/configuration.md` lists the variables.
 *
 * @param stdout the stream for `MCP_AUDIT_ANCHOR=stdout`; a command that prints its own output there passes standard error
 * @throws `configuration_invalid`, naming the variable
 */
export function auditFromEnvironment(
  environment: NodeJS.ProcessEnv,
  { stdout = process.stdout }: { readonly stdout?: NodeJS.WritableStream } = {},
): JsonLinesAudit {
  const settings = parseOptions(environmentSchema, withoutEmpty(environment), 'environment')
  return fromVariables(OPTION_VARIABLES, () => logFrom(settings, environment, stdout))
}

function logFrom(settings: Settings, environment: NodeJS.ProcessEnv, stdout: NodeJS.WritableStream): JsonLinesAudit {
  const anchor = anchorFrom(settings, stdout)
  return createJsonLines({
    folder: auditFolderOf(environment),
    ...keyOptions(environment, settings.MCP_AUDIT_KEY, settings.MCP_AUDIT_KEY_FILE),
    ...acceptedKeyOptions(environment, settings),
    ...(settings.MCP_AUDIT_SUBJECTS && { subjects: settings.MCP_AUDIT_SUBJECTS }),
    ...(settings.MCP_AUDIT_KEEP_DAYS !== undefined && { keepDays: settings.MCP_AUDIT_KEEP_DAYS }),
    ...(settings.MCP_AUDIT_SEGMENT_MEGABYTES !== undefined && {
      maxSegmentBytes: settings.MCP_AUDIT_SEGMENT_MEGABYTES * MEGABYTE,
    }),
    ...(anchor && { anchor }),
    warn: warnAbout('audit'),
  })
}

/** Returns nothing for the process's own environment, from which the log reads its keys itself. */
function acceptedKeyOptions(
  environment: NodeJS.ProcessEnv,
  { MCP_AUDIT_KEY_ACCEPTED: list, MCP_AUDIT_KEY_ACCEPTED_FILE: file }: Settings,
) {
  if (environment === process.env) return {}
  return {
    ...(list !== undefined && { acceptedKeys: wordsIn(list) }),
    ...(file !== undefined && { acceptedKeysFile: file }),
  }
}

function anchorFrom(
  { MCP_AUDIT_ANCHOR: anchor, MCP_AUDIT_ANCHOR_TOKEN_FILE: tokenFile }: Settings,
  stdout: NodeJS.WritableStream,
): AuditAnchor | undefined {
  if (anchor === undefined) return undefined
  if (anchor === 'stdout') return streamAnchor(stdout)
  if (anchor === 'stderr') return streamAnchor(process.stderr)
  if (!isUrl(anchor)) throw wrong('MCP_AUDIT_ANCHOR', 'set it to stdout, stderr or the URL of a webhook')
  return webhookAnchor({ url: anchor, ...(tokenFile !== undefined && { token: tokenIn(tokenFile) }) })
}

function tokenIn(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    throw unreadableFile('environment.MCP_AUDIT_ANCHOR_TOKEN_FILE', path)
  }
}

function wrong(name: string, what: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', `environment.${name}: ${what}`, { reason: 'option' })
}
