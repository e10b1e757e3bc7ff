import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSync } from 'esbuild'

const CACHE = join(import.meta.dirname, '../../../.cache/stdio-server')

let file: string | undefined

/** Path of the server as plain JavaScript in one file. It lies inside the project, where its packages are found. */
export function stdioServerFile(): string {
  file ??= written()
  return file
}

function written(): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, 'stdio-server.ts')],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
    logLevel: 'error',
  })
  const text = outputFiles[0]?.text ?? ''
  const path = join(CACHE, `${createHash('sha256').update(text).digest('hex').slice(0, 16)}.mjs`)
  if (existsSync(path)) return path
  mkdirSync(CACHE, { recursive: true })
  // Another test file may write the same at the same time.
  writeFileSync(`${path}.${process.pid}`, text)
  renameSync(`${path}.${process.pid}`, path)
  return path
}
