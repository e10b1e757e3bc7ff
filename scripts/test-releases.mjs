// The tests that depend on the release of Node, on the newer ones. Ends with "N passed, N failed"; with --with-npm-test, those of both.
import { readdirSync } from 'node:fs'
import { bringNode } from './bring-node.mjs'
import { bringPython } from './bring-python.mjs'
import { bring, runStages, tests } from './stages.mjs'

const RELEASES = ['22', '24']

/**
 * A test belongs here when what it tests is what Node itself does: HTTP, sockets, TLS, streams, files, cryptography, signals and processes.
 * Logic of ours, pages, documents, clients and browsers are the same on every release, and outages and crashes are long to wait for.
 */
const DEPENDING = [
  'test/attacks/calls/',
  'test/attacks/fetch/',
  'test/attacks/http/',
  'test/attacks/sealed-file/',
  'test/audit/',
  'test/backends/',
  'test/cli/',
  'test/core/crypto/',
  'test/core/network/',
  'test/destinations/',
  'test/e2e/',
  'test/identity/',
  'test/mcp/',
  'test/web/bearer/',
  'test/web/form/',
  'test/web/http/',
  'test/web/https-server.test.ts',
]
/** Elections of a cluster and time-outs of a socket take the same minutes on each. */
const LASTING = ['test/backends/hashicorp-vault/raft.test.ts', 'test/attacks/http/slow-requests.test.ts']

const files = DEPENDING.flatMap((path) => (path.endsWith('/') ? testsIn(path) : [path])).filter(
  (file) => !LASTING.includes(file),
)
const binaryOf = async (release) => (await bringNode([release]))[0][1]
const earlier = process.argv.includes('--with-npm-test') ? { earlier: 'npm test' } : {}

await runStages(
  'npm run test:releases',
  [
    bring('tools', bringPython, () => bringNode(RELEASES)),
    ...RELEASES.map((release) => tests(`tests on Node ${release}`, () => binaryOf(release), files)),
  ],
  earlier,
)

function testsIn(folder) {
  const found = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.test.ts'))
  return found.map((name) => `${folder}${name}`)
}
