import { shownPath } from '../../core/host/shown-path.ts'
import type { BundleTier } from '../../core/ports/store-keys.ts'
import type { Command } from '../terminal/command.ts'
import { withStoreKeys } from './keys-access.ts'
import { writeNewFile } from './new-key-file.ts'

export const keysExportWriter: Command = exporting('form', {
  name: 'keys export-writer',
  summary: "write the form tier's keys of the sealed file: they save and cannot read",
  help: `
Usage: mcp-credential-vault keys export-writer [--out FILE] [--json]

Writes a bundle for "start --tier form": the public seal keys, the newest signing key, and no key that opens a record. Prints it, or writes
it to FILE, which only this user can read then; a FILE that exists is left as it is. MCP_VAULT_BUNDLE_FILE names it for the form tier,
whose process must not have the store key (MCP_VAULT_KEY_FILE).
Make a new bundle after "keys rotate": until then the form tier refuses to save.

  mcp-credential-vault keys export-writer --out writer.bundle
`,
})

export const keysExportReader: Command = exporting('tool', {
  name: 'keys export-reader',
  summary: "write the tool tier's keys of the sealed file: they read and cannot save",
  help: `
Usage: mcp-credential-vault keys export-reader [--out FILE] [--json]

Writes a bundle for "start --tier tool": the private seal keys, the public signing keys, and a key that signs marks of rejected credentials
and nothing else. Prints it, or writes it to FILE, which only this user can read then; a FILE that exists is left as it is.
MCP_VAULT_BUNDLE_FILE names it for the tool tier, whose process must not have the store key (MCP_VAULT_KEY_FILE).
The bundle opens every record of the store, as the store key does: keep it as safe. Make a new one after "keys rotate", before the form
tier gets its own, so that the tools can read what the form saves.

  mcp-credential-vault keys export-reader --out reader.bundle
`,
})

const EVENTS = { form: 'key.writer_exported', tool: 'key.reader_exported' } as const

function exporting(tier: BundleTier, texts: Pick<Command, 'name' | 'summary' | 'help'>): Command {
  return {
    ...texts,
    parameters: [],
    options: { out: { type: 'string' } },
    run: (input, terminal) =>
      withStoreKeys(terminal, async ({ keys, signal, change }) => {
        const file = input.text('out')
        const { text: bundle, key } = await keys.exportBundle(tier, signal)
        await change({ type: EVENTS[tier], version: key }, async () => {
          if (file !== undefined) writeNewFile('--out', file, `${bundle}\n`)
        })
        const shown = file === undefined ? undefined : shownPath(file)
        const given = file === undefined ? { bundle } : { file: shown ?? null }
        const text =
          file === undefined
            ? bundle
            : `Wrote the ${tier} tier's bundle to ${shown ?? 'the file of --out'}. Its newest key is ${key}.`
        terminal.out(input.flag('json') ? `${JSON.stringify({ ...given, tier, key })}\n` : `${text}\n`)
        return 0
      }),
  }
}
