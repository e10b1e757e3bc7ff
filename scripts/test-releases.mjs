// The tests that depend on the release of Node, on the newer ones. Ends with "N passed, N failed"; with --with-npm-test, those of both.
import { existsSync, readdirSync } from 'node:fs'
import { bringNode } from './bring-node.mjs'
import { bringPython } from './bring-python.mjs'
import { bringRedis } from './bring-redis.mjs'
import { bring, runStages, tests } from './stages.mjs'

const RELEASES = ['22', '24']

/**
 * A test belongs here when a new release of Node can break it: when it tests what our code asks of Node itself. A folder stands for all its
 * tests, also for those that it gets later. Everything else runs on one release in `npm test`: logic, pages, docs, clients and browsers
 * behave the same on each, and outages, crashes and the second kind of one thing only repeat what is asked of Node here.
 */
const DEPENDING = {
  // Random numbers, HMAC, WebAssembly (libsodium), key objects and WebCrypto (tokens).
  cryptography: ['test/core/crypto/', 'test/identity/access-token/access-token.test.ts'],
  // fsync, rename, links, modes and owners, partial writes, a full disk, several processes on one folder.
  files: [
    'test/attacks/sealed-file/{exposed-key-file,hard-link,linked-temporary,symlink,unreadable-folder,writable-folder}.test.ts',
    'test/audit/{folder-mishaps,json-lines,json-lines-crash,recovery,still-open}.test.ts',
    'test/backends/sealed-file/{durability,full-disk,key-file-mounted,lost-link,processes,sealed-file,volume-modes}.test.ts',
    'test/core/host/private-folder.test.ts',
  ],
  // Node's HTTP parser and server: limits, time-outs, broken and pipelined requests, TLS, streams that nobody reads.
  'HTTP server': ['test/attacks/http/', 'test/web/http/', 'test/web/https-server.test.ts'],
  // fetch, undici, DNS and TLS. The vendors' clients run on them in cli/every-backend.
  'HTTP client': [
    'test/attacks/fetch/',
    'test/destinations/',
    'test/backends/hashicorp-vault/{addresses,node-vault-traps}.test.ts',
    'test/backends/unreachable.test.ts',
    'test/identity/issuer/issuer-metadata.test.ts',
  ],
  // Start, arguments, environment, signals, standard streams and terminals, warnings, exit codes.
  processes: [
    'test/cli/{cancelled-prompt,command-line,every-backend,failed-start,read-only-start,standard-output,start}.test.ts',
    'test/core/host/process-warning.test.ts',
    'test/proxy/children/{child,child-pool,killed-proxy,server-everything,surroundings,watchdog}.test.ts',
  ],
  // AsyncLocalStorage, AbortSignal, unhandled rejections, and Node's streams under the MCP SDK.
  'asynchronous contexts': [
    'test/attacks/calls/{call-within-a-call,cancelled-and-hidden,nested-gate-behind-a-queue,queue-async}.test.ts',
    'test/mcp/',
  ],
  // The whole way once on each leg: question and form, waiting call, handle and bound fetch, rejection, administration.
  'whole flows': ['test/e2e/{admin-api,answers,blocking,handles,rejected}.test.ts'],
}
/** Mostly waits: for the time-outs of a socket. */
const LASTING = ['test/attacks/http/slow-requests.test.ts']

const files = Object.values(DEPENDING)
  .flat()
  .flatMap(testsOf)
  .filter((file) => !LASTING.includes(file))
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

/** A folder with all below it, a file, or files of a folder as `folder/{one,other}.test.ts`. Ends the run for a test that is not there. */
function testsOf(path) {
  const [, before, names, after] = /^(.*)\{(.*)\}(.*)$/.exec(path) ?? []
  const files = path.endsWith('/') ? testsIn(path) : (names?.split(',').map((name) => before + name + after) ?? [path])
  const missing = files.filter((file) => !existsSync(file))
  if (files.length === 0 || missing.length > 0)
    throw new Error(`scripts/test-releases.mjs lists a test that does not exist: ${missing[0] ?? path}`)
  return files
}

function testsIn(folder) {
  const found = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.test.ts'))
  return found.map((name) => `${folder}${name}`)
}
