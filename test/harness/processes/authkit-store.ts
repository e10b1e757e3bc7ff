import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

/** What the published mcp-authkit writes: through its own factory, as its CredentialsProvider does. */
const WRITER = `
import asyncio, json, sys
from mcpauthkit.store import create_stores

async def main():
    wanted = json.load(sys.stdin)
    tokens, _ = create_stores(namespace=wanted.get("namespace"))
    for sub, value in wanted["entries"].items():
        await tokens.set(sub, value)

asyncio.run(main())
`

export interface AuthkitEntries {
  /** The provider's name, as CredentialsProvider gives it to `create_stores`. */
  readonly namespace?: string
  readonly entries: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** Stores entries with mcp-authkit 0.3.0 itself, in the mode that the environment says. */
export function writeAuthkitStore(wanted: AuthkitEntries, environment: NodeJS.ProcessEnv): void {
  const { status, stderr } = spawnSync(python(), ['-c', WRITER], {
    env: { PATH: process.env['PATH'], ...environment },
    input: JSON.stringify(wanted),
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`mcp-authkit did not store it: ${stderr}`)
}

/** A key as mcp-authkit's documentation makes one. */
export function fernetKey(): string {
  const made = spawnSync(python(), [
    '-c',
    'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())',
  ])
  return String(made.stdout).trim()
}

function python(): string {
  const path = resolve('.cache/authkit/bin/python')
  if (existsSync(path)) return path
  throw new Error('mcp-authkit is not installed: run node scripts/bring-python.mjs')
}
