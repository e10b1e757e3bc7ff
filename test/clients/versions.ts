import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** Version of the npm package in this folder of the project. */
export function versionOf(folder: string): string {
  return JSON.parse(readFileSync(join(resolve(folder), 'package.json'), 'utf8')).version
}
