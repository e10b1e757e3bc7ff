import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Message, Step } from './protocol.ts'

/** Reads the audit files of writers that are gone, each once, and checks them. */
export interface AuditLines {
  /** Takes in new files. Returns what is wrong with them. */
  readNew(): Promise<readonly string[]>
  /** Acknowledged steps that have no line. */
  missing(messages: readonly Message[]): readonly string[]
  has(correlationId: string, type: string): boolean
}

export function createAuditLines(folder: string): AuditLines {
  const seen = new Set<string>()
  const lines = new Set<string>()
  const has = (correlationId: string, type: string) => lines.has(`${correlationId} ${type}`)

  return {
    has,

    async readNew() {
      const problems: string[] = []
      const names = await readdir(folder).catch(() => [])
      for (const name of names.filter((candidate) => !seen.has(candidate))) {
        seen.add(name)
        const texts = (await readFile(join(folder, name), 'utf8')).split('\n')
        // What stands behind the last line end was being written when the process was killed.
        for (const [i, text] of texts.slice(0, -1).entries()) {
          const line = parsed(text)
          if (line?.['seq'] === i + 1) lines.add(`${line['correlationId']} ${line['type']}`)
          else problems.push(`line ${i + 1} of ${name} is none`)
        }
      }
      return problems
    },

    missing: (messages) =>
      messages
        .filter(({ kind }) => kind === '-')
        .flatMap((message) => typesOf(message).map((type) => ({ message, type })))
        .filter(({ message, type }) => !has(message.id, type))
        .map(({ message, type }) => `${message.step} ${message.id} was acknowledged without its line ${type}`),
  }
}

function typesOf({ step, detail }: { readonly step: Step; readonly detail: string }): readonly string[] {
  if (step === 'save') return ['credential.storing', 'credential.stored']
  if (step === 'read') return [detail.startsWith('active:') ? 'credential.resolved' : 'credential.missing']
  return [step === 'purge' ? 'credential.purged' : 'credential.revoked']
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
