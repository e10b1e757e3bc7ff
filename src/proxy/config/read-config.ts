import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { nearest } from '../../core/host/nearest.ts'
import { shownPath } from '../../core/host/shown-path.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { inPlainWords } from '../../core/model/options.ts'
import { type ConfigProblem, withFilesFrom } from './config-files.ts'
import { type CheckedProxyConfig, knownKeys, proxyConfigSchema } from './proxy-config.ts'
import type { ProxyConfig } from './upstream-options.ts'

const MAX_BYTES = 1_048_576

/**
 * Reads the configuration file of a proxy, which is YAML 1.2 or JSON. It holds no secret, so problems are shown with their line. Files that
 * it names are found from its own folder.
 *
 * @throws `configuration_invalid`, naming each problem by line and path
 * @example
 * ```ts
 * import { createProxy, readProxyConfig } from 'mcp-credential-vault/proxy'
 *
 * app.use(createProxy(vault, readProxyConfig('proxy.yaml')))
 * ```
 */
export function readProxyConfig(file: string): ProxyConfig {
  return readProxyFile(file).config
}

/** A configuration that was read from a file. */
export interface ProxyFile {
  readonly config: CheckedProxyConfig
  /** Makes the error for problems that only other files show, each with its line here. */
  problem(found: readonly ConfigProblem[]): CredentialVaultError
}

/** @throws as {@link readProxyConfig} */
export function readProxyFile(file: string): ProxyFile {
  const { config, problem } = parsed(textOf(file), file)
  return { config: withFilesFrom(config, dirname(resolve(file))), problem }
}

/** @param file name for messages */
export function parseProxyConfig(text: string, file: string): CheckedProxyConfig {
  return parsed(text, file).config
}

function parsed(text: string, file: string): ProxyFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const lineAt = (offset: number) => lines.linePos(offset).line
  const lineOf = (path: readonly PropertyKey[]) => lineAt(offsetOf(document, path))
  const broken = [...document.errors, ...document.warnings].map(({ pos: [at], code }) => ({
    line: lineAt(at),
    message: YAML_PROBLEMS[code] ?? 'is no valid YAML',
  }))
  if (broken.length > 0) throw invalid(file, broken)
  const checked = proxyConfigSchema.safeParse(plainValue(document, file), { error: inPlainWords })
  if (!checked.success)
    throw invalid(
      file,
      checked.error.issues.flatMap((issue) => problemsOf(issue, lineOf)),
    )
  return {
    config: checked.data,
    problem: (found) =>
      invalid(
        file,
        found.map(({ path, message }) => ({ line: lineOf(path), path: pathText(path), message })),
      ),
  }
}

interface Problem {
  readonly line: number
  readonly path?: string
  readonly message: string
}

const YAML_PROBLEMS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'has a key twice',
  TAB_AS_INDENT: 'is indented by a tab; use blanks',
  BAD_INDENT: 'is not indented as the lines around it',
}

function textOf(file: string): string {
  try {
    if (statSync(file).size <= MAX_BYTES) return readFileSync(file, 'utf8')
  } catch {
    throw new CredentialVaultError(
      'configuration_invalid',
      `${file} cannot be read. Name the configuration file of the proxy, and let this user read it.`,
      { reason: 'option' },
    )
  }
  throw new CredentialVaultError('configuration_invalid', `${file} is larger than 1 MiB.`, { reason: 'option' })
}

function plainValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    throw invalid(file, [{ line: 1, message: 'repeats too much by aliases' }])
  }
}

function problemsOf(issue: z.core.$ZodIssue, lineOf: (path: readonly PropertyKey[]) => number): readonly Problem[] {
  if (issue.code !== 'unrecognized_keys')
    return [{ line: lineOf(issue.path), path: pathText(issue.path), message: issue.message }]
  return issue.keys.map((key) => {
    const path = [...issue.path, key]
    const meant = nearest(key, knownKeys(proxyConfigSchema, issue.path))
    const message = meant === undefined ? 'there is no such option' : `there is no such option; did you mean ${meant}?`
    return { line: lineOf(path), path: pathText(path), message }
  })
}

/** Where the key stands, or what holds it if it is missing. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const within = document.getIn(path.slice(0, length - 1), true) ?? document.contents
    const key = path[length - 1]
    const pair = isMap(within) ? within.items.find((one) => isScalar(one.key) && one.key.value === key) : undefined
    if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0]
  }
  return 0
}

function pathText(path: readonly PropertyKey[]): string {
  // A token may stand where the name of an option belongs.
  return path.map((part) => (shownPath(`./${String(part)}`) === undefined ? '…' : String(part))).join('.')
}

function invalid(file: string, problems: readonly Problem[]): CredentialVaultError {
  const lines = problems.map(({ line, path, message }) => `${file}:${line}: ${path ? `${path}: ` : ''}${message}`)
  return new CredentialVaultError('configuration_invalid', lines.join('\n'), { reason: 'option' })
}
