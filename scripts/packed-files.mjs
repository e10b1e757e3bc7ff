import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

/** What is packed beside the code, and why somebody wants it. */
export const PAGES = {
  'package.json': 'npm',
  'README.md': 'the registry and people',
  LICENSE: 'lawyers',
  'SECURITY.md': 'people who assess it',
  'CHANGELOG.md': 'people who update',
}

const IMPORT = /(?:\bfrom|\bimport)\s+['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]/g

/**
 * Files of dist that somebody can reach: from `exports` and `bin` of package.json, through what each module imports. Code and
 * declarations are two trees.
 */
export function usedModules(root) {
  const { bin, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const entries = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : Object.values(entry)))
  const queue = [...Object.values(bin), ...entries].map((path) => normalize(path))
  const used = new Set()
  for (const file of queue) {
    if (used.has(file)) continue
    used.add(file)
    for (const [, fixed, lazy] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
      const target = normalize(join(dirname(file), fixed ?? lazy))
      queue.push(file.endsWith('.d.ts') ? target.replace(/\.[jt]s$/, '.d.ts') : target)
    }
  }
  return used
}

/** Files of templates that a page or an asset is made of: named in src/web or src/server, or as a part in another template. */
export function usedTemplates(root) {
  const folder = join(root, 'templates')
  const names = readdirSync(folder)
  const sources = ['src/web', 'src/server'].flatMap((room) =>
    readdirSync(join(root, room), { recursive: true })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(root, room, name)),
  )
  const text = [...sources, ...names.map((name) => join(folder, name))]
    .map((path) => readFileSync(path, 'utf8'))
    .join('')
  const isNamed = (name) => {
    const [stem, extension] = name.split('.')
    const part = `<!-- part: ${stem.replace(/^part-/, '')} -->`
    const script = extension === 'js' ? [`'${stem}'`] : []
    return [`'${name}'`, `('${stem}')`, `('${stem}', '${extension}'`, part, ...script].some((mark) =>
      text.includes(mark),
    )
  }
  return new Set(names.filter(isNamed).map((name) => `templates/${name}`))
}

/** Everything below docs: the pages, their images, and the policies that operators apply. */
export function documents(root) {
  return readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

/** Files of the tarball that nobody can use, and files that are used and missing from it. */
export function judgePacked(root, packed) {
  const used = new Set([...usedModules(root), ...usedTemplates(root), ...Object.keys(PAGES), ...documents(root)])
  return {
    unused: packed.filter((path) => !used.has(path)),
    missing: [...used].filter((path) => !packed.includes(path) || !existsSync(join(root, path))),
  }
}
