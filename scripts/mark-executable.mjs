// npm sets the bit for an installed package; a checkout's own build needs it too.
import { chmodSync, existsSync } from 'node:fs'

const command = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(command)) chmodSync(command, 0o755)
