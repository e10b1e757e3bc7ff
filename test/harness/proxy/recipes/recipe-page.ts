import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bringPublishedServers } from '../../../../scripts/bring-published-servers.mjs'

const ROOT = join(import.meta.dirname, '../../../..')

/** The blocks of one language in a section of docs/proxy-recipes.md. Commands start what the project has installed. */
export async function recipeBlocks(heading: string, language: 'sh' | 'yaml'): Promise<readonly string[]> {
  const page = readFileSync(join(ROOT, 'docs/proxy-recipes.md'), 'utf8')
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const blocks = [...section.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))]
  return Promise.all(blocks.map(([, block = '']) => withInstalled(block)))
}

/** Replaces `npx -y NAME@VERSION` and `uvx NAME@VERSION` by the command of that version in .cache. */
async function withInstalled(block: string): Promise<string> {
  const places = await bringPublishedServers()
  return block.replaceAll(
    /\b(npx,? -y|uvx),? '?((?:@[\w-]+\/)?[\w-]+)@([\w.]+)'?/g,
    (_, runner: string, name: string, version: string) =>
      runner === 'uvx' ? pythonCommand(places.python, name, version) : npmCommand(places.npm, name, version),
  )
}

function npmCommand(folder: string, name: string, version: string): string {
  const packages = [join(folder, '..'), join(ROOT, 'node_modules')].map((each) => join(each, name))
  const found = packages.find((each) => existsSync(each))
  const manifest: Manifest = JSON.parse(readFileSync(join(found ?? '', 'package.json'), 'utf8'))
  const [command] = typeof manifest.bin === 'string' ? [manifest.bin] : Object.values(manifest.bin)
  if (manifest.version !== version) throw new Error(`${name} is installed as ${manifest.version}, not ${version}`)
  return join(found ?? '', command ?? '')
}

interface Manifest {
  readonly version: string
  readonly bin: string | Readonly<Record<string, string>>
}

function pythonCommand(folder: string, name: string, version: string): string {
  const [python = ''] = readdirSync(join(folder, '../lib'))
  const installed = join(folder, '../lib', python, 'site-packages', `${name.replaceAll('-', '_')}-${version}.dist-info`)
  if (!existsSync(installed)) throw new Error(`${name} is not installed as ${version}`)
  return join(folder, name)
}
