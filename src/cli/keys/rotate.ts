import type { Command } from '../terminal/command.ts'
import { withStoreKeys } from './keys-access.ts'

export const keysRotate: Command = {
  name: 'keys rotate',
  summary: 'make a new key for all new records of the sealed file',
  parameters: [],
  options: {},
  help: `
Usage: mcp-credential-vault keys rotate [--json]

Makes new keys inside the store, which seal and sign every new record. Old records stay under the earlier keys and can still be read:
"keys reseal" rewrites them. Running servers use the new keys at their next save. The store key (MCP_VAULT_KEY_FILE) stays the same:
"keys rewrap" changes that one.
`,
  run: (input, terminal) =>
    withStoreKeys(terminal, async ({ keys, signal, change }) => {
      const done = await change({ type: 'key.rotated' }, () => keys.rotate(signal))
      const text = `New records use key ${done.key}; the one before was ${done.previous}. To rewrite the old records: mcp-credential-vault keys reseal\n`
      terminal.out(input.flag('json') ? `${JSON.stringify(done)}\n` : text)
      return 0
    }),
}
