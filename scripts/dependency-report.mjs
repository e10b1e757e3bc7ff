import { spawnSync } from 'node:child_process'

/** Licences that allow use in a company's own product without publishing it. */
const AGREED = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
]

/**
 * The bill of materials of one package, from that of the empty project that it was installed into. Its tarball's path on this machine
 * is left out.
 */
export function billOf(name, installed) {
  const own = installed.components.find((component) => component.name === name)
  const root = installed.metadata.component['bom-ref']
  const externalReferences = own.externalReferences.filter(({ url }) => !url.startsWith('file:'))
  return {
    ...installed,
    metadata: { ...installed.metadata, component: { ...own, externalReferences } },
    components: installed.components.filter((component) => component !== own),
    dependencies: installed.dependencies.filter(({ ref }) => ref !== root),
  }
}

/** Components of a CycloneDX bill whose licence is none of those, as `name@version (licence)`. */
export function foreignLicences(components) {
  return components
    .map(({ name, version, licenses = [] }) => ({
      package: `${name}@${version}`,
      licence: licenses.map(({ license, expression }) => expression ?? license?.id ?? license?.name).join(' AND '),
    }))
    .filter(({ licence }) => !agreed(licence))
    .map((found) => `${found.package} (${found.licence || 'no licence'})`)
}

/** An SPDX expression, as far as packages use it: one of several alternatives, or all of several, with brackets around it. */
function agreed(expression) {
  const plain = expression.replace(/[()]/g, '')
  if (plain.includes(' OR ')) return plain.split(' OR ').some(agreed)
  return plain.split(' AND ').every((licence) => AGREED.includes(licence.trim()))
}

/** Asks the registry what is known of a folder's runtime dependencies. */
export function askAdvisories(folder) {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { cwd: folder, encoding: 'utf8' })
  return judgeAdvisories(stdout)
}

/**
 * Reads the output of `npm audit --json`.
 *
 * @returns a word for the report, or `notChecked` with the reason: a registry that does not offer the question leaves it open
 * @throws when a vulnerability is known
 */
export function judgeAdvisories(output) {
  const report = parsed(output)
  const known = report?.metadata?.vulnerabilities
  if (known === undefined) {
    const why = report?.message ?? 'no report came back'
    return { notChecked: `The registry does not answer (${why}). Run "npm audit --omit=dev" with one that does.` }
  }
  if (known.total > 0) throw new Error(`${known.total} known, in: ${Object.keys(report.vulnerabilities).join(', ')}`)
  return 'none'
}

function parsed(output) {
  try {
    return JSON.parse(output)
  } catch {
    return undefined
  }
}
