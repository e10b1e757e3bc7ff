import { createHash } from 'node:crypto'
import type { PageSources } from '../http/security-headers.ts'
import type { Site } from '../http/site.ts'
import { readTemplateFile } from './templates.ts'

export interface Asset {
  readonly path: string
  readonly type: string
  readonly body: Buffer
}

export interface Assets extends PageSources {
  /** By path. */
  readonly files: ReadonlyMap<string, Asset>
}

/** Loads the files of the pages, once at start. Their names contain their hash, so browsers may cache them forever. */
export function loadAssets(site: Site): Assets {
  const load = (stem: string, extension: string, type: string): Asset => {
    const body = Buffer.from(readTemplateFile(`${stem}.${extension}`))
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
    return { path: `${site.root}/assets/${stem}.${hash}.${extension}`, type, body }
  }
  const style = load('vault', 'css', 'text/css; charset=utf-8')
  const scripts = ['reveal', 'local-time'].map((stem) => load(stem, 'js', 'text/javascript; charset=utf-8'))
  const icon = load('icon', 'svg', 'image/svg+xml; charset=utf-8')
  return {
    style: style.path,
    scripts: scripts.map(({ path }) => path),
    icon: icon.path,
    files: new Map([style, ...scripts, icon].map((asset) => [asset.path, asset])),
  }
}
