import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bringPublishedServers } from '../../../../scripts/bring-published-servers.mjs'

const ROOT = join(import.meta.dirname, '../../../..')

/** The blocks of one language in a section of docs/proxy-recipes.md, with the places of this machine in place of the page's. */
export async function recipeBlocks(heading: string, language: 'sh' | 'yaml'): Promise<readonly string[]> {
  const { npm, python } = await bringPublishedServers()
  const page = readFileSync(join(ROOT, 'docs/proxy-recipes.md'), 'utf8')
  const section = page.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const blocks = [...section.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))]
  return blocks.map(([, block = '']) =>
    block
      .replaceAll('/opt/mcp/node_modules/.bin/', `${npm}/`)
      .replaceAll('/opt/mcp/python/bin/', `${python}/`)
      .replaceAll('PATH: /usr/local/bin:', `PATH: ${dirname(process.execPath)}:`),
  )
}
