import { readPrivateFile } from '../provision/private-file.ts'
import type { Terminal } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { type Fernet, fernet } from './fernet.ts'

/** The variables of mcp-authkit 0.3.0, the first of which wins there too. */
const KEY = 'STORAGE_ENCRYPTION_KEY'
const KEY_PATH = 'STORAGE_ENCRYPTION_KEY_PATH'

/** @throws UsageError without a key, or for one that is not a Fernet key */
export function authkitKey(terminal: Terminal): Fernet {
  const { [KEY]: text = '', [KEY_PATH]: path = '' } = terminal.environment
  if (text.trim() === '' && path.trim() === '')
    throw new UsageError(`set ${KEY} or ${KEY_PATH} to the key of the old server`)
  const fromText = text.trim() !== ''
  const found = fernet(fromText ? text : readPrivateFile(path.trim(), KEY_PATH, terminal))
  if (found) return found
  throw new UsageError(`${fromText ? KEY : KEY_PATH} does not hold a Fernet key: 44 characters of base64url`)
}
