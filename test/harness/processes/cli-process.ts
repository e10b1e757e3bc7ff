import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { asked, overview } from '../../../src/cli/commands.ts'
import { runCommand, type Terminal } from '../../../src/cli/terminal/command.ts'
import { usageText } from '../../../src/cli/terminal/command-line.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { printable } from '../../../src/core/model/printable.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { bundledCommand } from './compile-module.ts'
import { type Ended, endedProcess } from './ended-process.ts'

export interface MainCommand {
  /** The command's module, for a process of the test's own. */
  readonly script: string
  /** The command's home and working folder. */
  readonly root: string
  /** A sealed file and its key, for the command's environment and for the test's own hands. */
  readonly environment: { readonly MCP_VAULT_FOLDER: string; readonly MCP_VAULT_KEY_FILE: string }
  /** Runs `mcp-credential-vault` in a process of its own. */
  run(words: readonly string[], input?: string | Uint8Array): Promise<Ended>
  /** The same without a process, whose start takes most of the time: for what depends on the words and the store alone. */
  inProcess(words: readonly string[]): Promise<Ended>
  /** The same in a shell, where `$MCV` is the command. */
  shell(script: string): Promise<Ended>
  store(subject: string, values: Readonly<Record<string, string>>, issuer?: string): Promise<void>
  stored(subject: string): Promise<unknown>
  /** Writes a file into the command's folder, and returns its path. Default mode 0600. */
  file(name: string, text: string, mode?: number): string
  remove(): void
}

export const ISSUER = 'https://login.example.com'

const keyOf = (subject: string, issuer = ISSUER) => storageKey('jira', { issuer, subject })

/** The command line as operators have it, beside a store of the provider `jira`. */
export async function mainCommand(): Promise<MainCommand> {
  const script = bundledCommand()
  const root = mkdtempSync(join(tmpdir(), 'main-'))
  const environment = { MCP_VAULT_FOLDER: join(root, 'data'), MCP_VAULT_KEY_FILE: join(root, 'vault.key') }
  writeFileSync(environment.MCP_VAULT_KEY_FILE, generateKeyText(), { mode: 0o600 })

  function ended(command: string, words: readonly string[], input: string | Uint8Array = ''): Promise<Ended> {
    const env = { PATH: process.env['PATH'], HOME: root, MCV: `${process.execPath} ${script}`, ...environment }
    return endedProcess(command, words, { env, cwd: root }, input)
  }

  async function withStore<T>(work: (backend: ReturnType<typeof sealedFile>) => Promise<T>): Promise<T> {
    const backend = sealedFile({ folder: environment.MCP_VAULT_FOLDER, keyFile: environment.MCP_VAULT_KEY_FILE })
    await backend.open()
    try {
      return await work(backend)
    } finally {
      await backend.close()
    }
  }

  return {
    script,
    root,
    environment,
    run: (words, input) => ended(process.execPath, [script, ...words], input),
    inProcess: (words) => inFolder(root, () => runHere(words, { HOME: root, ...environment })),
    shell: (line) => ended('/bin/sh', ['-c', line]),
    store: (subject, values, issuer) =>
      withStore(async (backend) => void (await put(backend, keyOf(subject, issuer), values))),
    stored: (subject) => withStore((backend) => valuesOf(backend, keyOf(subject))),
    file(name, text, mode = 0o600) {
      const path = join(root, name)
      writeFileSync(path, text)
      // The mode of a new file would be cut by the umask.
      chmodSync(path, mode)
      return path
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

async function inFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const former = process.cwd()
  process.chdir(folder)
  try {
    return await work()
  } finally {
    process.chdir(former)
  }
}

/** What src/cli/main.ts makes of its words, but for the version, with the exit code that its process would have. */
export async function runHere(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<Ended> {
  const printed = { out: '', error: '' }
  const terminal: Terminal = {
    out: (text) => {
      printed.out += printable(text)
    },
    error: (text) => {
      printed.error += printable(text)
    },
    environment,
    readSecret: async () => '',
  }
  const what = await asked(words)
  if (what.kind === 'command') {
    const code = await runCommand(what.command, what.words, terminal)
    return { code, ...printed }
  }
  if (what.kind === 'overview') return { code: 0, out: printable(overview(what.of)), error: '' }
  if (what.kind === 'unknown')
    return { code: 2, out: '', error: printable(usageText('mcp-credential-vault', what.problem)) }
  throw new Error(`${words.join(' ')} needs a process`)
}
