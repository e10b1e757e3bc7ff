// The tests that depend on the release of Node, on the newer ones. Ends with "N passed, N failed"; with --with-npm-test, those of both.
import { readdirSync } from 'node:fs'
import { bringNode } from './bring-node.mjs'
import { bringPython } from './bring-python.mjs'
import { bringRedis } from './bring-redis.mjs'
import { bring, runStages, tests } from './stages.mjs'

const RELEASES = ['22', '24']

/**
 * A test belongs here when it tests what our code asks of Node itself: HTTP, sockets, TLS, streams, files, cryptography, signals, processes.
 * Pure logic, pages, docs, clients and browsers behave the same on every release; outages and crashes take too long to repeat.
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
  'test/mcp/',
  'test/web/bearer/',
  'test/web/http/',
  'test/web/https-server.test.ts',
]
/** Mostly waits: for elections of a cluster, and for a socket's time-outs. */
const LASTING = ['test/backends/hashicorp-vault/raft.test.ts', 'test/attacks/http/slow-requests.test.ts']

const files = DEPENDING.flatMap((path) => (path.endsWith('/') ? testsIn(path) : [path])).filter(
  (file) => !LASTING.includes(file),
)
const binaryOf = async (release) => (await bringNode([release]))[0][1]
const earlier = process.argv.includes('--with-npm-test') ? { earlier: 'npm test' } : {}

await runStages(
  'npm run test:releases',
  [
    bring('tools', bringPython, bringRedis, () => bringNode(RELEASES)),
    ...RELEASES.map((release) => tests(`tests on Node ${release}`, () => binaryOf(release), files)),
  ],
  earlier,
)

function testsIn(folder) {
  const found = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.test.ts'))
  return found.map((name) => `${folder}${name}`)
}
