// What has to hold before a release: the package's form and contents, the tarball in an empty project on every supported Node, licences,
// the bill of materials, and known vulnerabilities. Leaves the tarball and the bill in .cache/release. Ends with "N passed, N failed".
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bringNode } from './bring-node.mjs'
import { askAdvisories, billOf, foreignLicences } from './dependency-report.mjs'
import { judgePacked } from './packed-files.mjs'
import { emptyProject, testedVersions, tryReadme, tryTwoCopies, tryWithoutPeers } from './try-tarball.mjs'

const RELEASE = resolve('.cache/release')
const results = []

/** What `act` returns is printed. It throws for a failure; an answer with `notChecked` counts as neither. */
async function check(name, act) {
  try {
    const note = await act()
    if (note?.notChecked) return void console.log(`?     ${name}: NOT CHECKED. ${note.notChecked}`)
    results.push(true)
    console.log(`ok    ${name}${note ? `: ${note}` : ''}`)
  } catch (error) {
    results.push(false)
    console.log(`FAIL  ${name}\n${[error.message, error.stdout, error.stderr].filter(Boolean).join('\n')}`)
  }
}

const run = (command, parameters) =>
  execFileSync(command, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

rmSync(RELEASE, { recursive: true, force: true })
mkdirSync(RELEASE, { recursive: true })
const nodes = [[String(process.versions.node.split('.')[0]), process.execPath], ...(await bringNode(['22', '24']))]
const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', RELEASE]
const [packed] = JSON.parse(run('npm', pack))
const files = packed.files.map(({ path }) => path)
const tarball = join(RELEASE, packed.filename)

await check('publint', () => void run('npx', ['--no-install', 'publint', '--strict']))
await check('attw', () => void run('npx', ['--no-install', 'attw', tarball, '--profile', 'esm-only']))
await check('contents', () => {
  const { unused, missing } = judgePacked('.', files)
  if (unused.length + missing.length > 0)
    throw new Error(`Nobody can use: ${unused.join(', ') || 'none'}. Missing: ${missing.join(', ') || 'none'}.`)
  return `${files.length} files, ${Math.round(packed.size / 1024)} kB`
})

const project = emptyProject(tarball)
const on = nodes.map(([version]) => version).join(', ')
try {
  await check(`installed without optional peers, on Node ${on}`, () => tryWithoutPeers(project, nodes))
  await check('licences and bill of materials', () => {
    const installed = JSON.parse(project.run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'library']))
    const bill = billOf(packed.name, installed)
    const path = join(RELEASE, 'sbom.cdx.json')
    writeFileSync(path, `${JSON.stringify(bill, null, 2)}\n`)
    const foreign = foreignLicences(bill.components)
    if (foreign.length > 0) throw new Error(`Licences that nobody has agreed to: ${foreign.join(', ')}`)
    if (!readFileSync('LICENSE', 'utf8').includes('Apache License'))
      throw new Error('LICENSE is not the Apache License')
    return `${bill.components.length} packages, in ${path}`
  })
  await check('known vulnerabilities of what is installed with it', () => askAdvisories(project.folder))
  await check(`README's example and every subpath, NodeNext and Bundler, on Node ${on}`, () =>
    tryReadme(project, nodes, testedVersions()),
  )
  await check(`two copies of the SDK, on Node ${on}`, () => tryTwoCopies(project, nodes))
} finally {
  project.remove()
}

const failed = results.filter((passed) => !passed).length
console.log(`\n${results.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
