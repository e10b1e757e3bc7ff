// The whole of the project's checks on this Node. Ends with "N passed, N failed".
import { bringChromium } from './bring-chromium.mjs'
import { bringConformance } from './bring-conformance.mjs'
import { bringDeployTools } from './bring-deploy-tools.mjs'
import { bringInspector } from './bring-inspector.mjs'
import { bringNode } from './bring-node.mjs'
import { bringPromtool } from './bring-prometheus.mjs'
import { bringPublishedServers } from './bring-published-servers.mjs'
import { bringPython } from './bring-python.mjs'
import { bringRedis } from './bring-redis.mjs'
import { bring, check, counted, runStages, sideBySide, tests, together } from './stages.mjs'

const run = (name, script, ...parameters) => [name, 'npm', ['run', '--silent', script, '--', ...parameters]]
const npm = (...command) => check(...run(...command))
const COMPILE = "import('./test/harness/processes/compile-module.ts').then((module) => module.compiledTree())"

await runStages('npm test', [
  bring(
    'tools',
    bringChromium,
    bringPython,
    bringRedis,
    bringPromtool,
    bringDeployTools,
    bringInspector,
    bringConformance,
    bringPublishedServers,
    () => bringNode(['22', '24']),
  ),
  npm('build', 'build'),
  // Alone: it reads streams for half a second at a time, in which a busy machine may not have answered.
  counted(...run('conformance', 'conformance')),
  // Each keeps one processor busy for a part of its time only.
  together(
    'format, lint and types',
    run('format and lint', 'lint'),
    // Its threads check the same declarations more than once.
    run('types', 'typecheck', '--singleThreaded'),
    // Otherwise each process of the tests that needs it first does it.
    ["code for the tests' processes", 'node_modules/.bin/tsx', ['-e', COMPILE]],
  ),
  // The demos and npm wait most of their time, and so do the tests.
  sideBySide(
    'tests, demos and release',
    tests('tests', () => process.execPath, []),
    together(
      'demos and release',
      ...['sealed-file', 'vault', 'aws-secrets-manager'].map((backend) =>
        run(`demo on ${backend}`, 'demo', '--backend', backend),
      ),
      ['release', process.execPath, ['scripts/release-check.mjs']],
    ),
  ),
])
