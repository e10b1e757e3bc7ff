import type { Command } from '../terminal/command.ts'
import { withStoreKeys } from './keys-access.ts'

export const keysRetire: Command = {
  name: 'keys retire',
  summary: 'remove the earlier keys of the sealed file that no record needs',
  parameters: [],
  options: { 'dry-run': { type: 'boolean' } },
  help: `
Usage: mcp-credential-vault keys retire [--dry-run] [--json]

Removes every key of the store but the newest. Afterwards nothing signed with an earlier key is accepted. Refuses while a record needs one
("keys reseal" rewrites those), while a record is damaged, and for ten minutes after "keys rotate".
A backup from before then needs its own copy of the keyring, which it contains.
--dry-run changes nothing and names the keys that would be removed.
`,
  run: (input, terminal) =>
    withStoreKeys(terminal, async ({ keys, signal, change }) => {
      const dryRun = input.flag('dry-run')
      const planned = await keys.retire({ dryRun: true }, signal)
      const nothing = planned.retired.length === 0
      const done =
        dryRun || nothing ? planned : await change({ type: 'key.retired' }, () => keys.retire({ dryRun }, signal))
      const names = done.retired.join(', ')
      const text = nothing
        ? `There is no earlier key: ${done.key} is the only one.`
        : `${dryRun ? 'Would remove' : 'Removed'} ${names}. ${done.key} is the ${dryRun ? 'newest' : 'only'} key.`
      terminal.out(input.flag('json') ? `${JSON.stringify({ dryRun, ...done })}\n` : `${text}\n`)
      return 0
    }),
}
