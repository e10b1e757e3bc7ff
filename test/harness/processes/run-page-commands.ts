import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

const ROOT = join(import.meta.dirname, '../../..')
const INSTALLED_COMMANDS = join(import.meta.dirname, 'installed-commands')

/** The blocks of a page's section in one language, in their order. `heading` is the line without its marks; the title's has one. */
export function blocksOf(page: string, heading: string, language = 'sh'): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const section = text.split(/^##+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const blocks = section.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))
  return [...blocks].map(([, block = '']) => block)
}

/** Makes of a folder what `npm install` leaves of a project, with the tools of docs/getting-started.md. */
export function installInto(folder: string): void {
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync(ROOT, join(folder, 'node_modules/mcp-credential-vault'))
  symlinkSync('../mcp-credential-vault/dist/cli/main.js', join(folder, 'node_modules/.bin/mcp-credential-vault'))
  copyFileSync(join(ROOT, 'examples/tools.mjs'), join(folder, 'tools.mjs'))
}

export interface Shell {
  readonly child: ChildProcess
  output(): string
  readonly ended: Promise<number | null>
}

/**
 * Runs commands of a page until the first that fails. What they start ends with the test. `npx` starts an installed command without npm;
 * docs/plug-in.md and the check of the tarball run npm's own.
 */
export function shell(script: string, folder: string, environment: NodeJS.ProcessEnv): Shell {
  const PATH = `${INSTALLED_COMMANDS}:${environment['PATH'] ?? process.env['PATH']}`
  const env = { HOME: folder, ...environment, PATH }
  // A group of its own, so that what the shell starts ends with it.
  const child = spawn('/bin/sh', ['-ec', script], { cwd: folder, env, detached: true })
  onTestFinished(() => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += String(chunk)
    })
  return { child, output: () => output, ended: new Promise((resolve) => child.once('close', resolve)) }
}
