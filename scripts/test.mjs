// The whole of the project's checks, as `npm test` and CI run them. Ends with "N passed, N failed".
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { bringChromium } from './bring-chromium.mjs'
import { bringInspector } from './bring-inspector.mjs'
import { bringNode } from './bring-node.mjs'
import { bringPython } from './bring-python.mjs'

const RESULTS = '.cache/test-results'
let passed = 0
let failed = 0

function run(command, parameters, environment = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    })
    child.once('error', () => resolve(127))
    child.once('close', (code) => resolve(code ?? 1))
  })
}

async function check(name, command, parameters, environment) {
  console.log(`\n== ${name}`)
  const code = await run(command, parameters, environment)
  if (code === 0) passed += 1
  else failed += 1
  console.log(`== ${name}: ${code === 0 ? 'passed' : `failed (${code})`}`)
}

async function vitest(name, node, parameters) {
  console.log(`\n== ${name}`)
  const output = `${RESULTS}/${name.replace(/\W+/g, '-')}.json`
  rmSync(output, { force: true })
  const code = await run(node, [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${output}`,
    ...parameters,
  ])
  const results = readResults(output)
  passed += results.numPassedTests
  // A suite that never loaded counts no tests, so its failure is the exit code's.
  const notRun = results.numPendingTests + results.numTodoTests
  failed += Math.max(results.numFailedTests + notRun, code === 0 ? 0 : 1)
  if (notRun > 0) console.log(`== ${name}: ${notRun} tests were not run, which counts as failed`)
}

function readResults(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0 }
  }
}

mkdirSync(RESULTS, { recursive: true })
await bringChromium()
await bringPython()
await bringInspector()
const newer = await bringNode(['22', '24'])

await check('build', 'npm', ['run', '--silent', 'build'])
await check('format and lint', 'npm', ['run', '--silent', 'lint'])
await check('types', 'npm', ['run', '--silent', 'typecheck'])
await vitest('tests', process.execPath, [])
for (const backend of ['sealed-file', 'vault', 'aws-secrets-manager'])
  await check(`demo on ${backend}`, 'npm', ['run', '--silent', 'demo', '--', '--backend', backend])
await check('release', process.execPath, ['scripts/release-check.mjs'])
// What depends on the release of Node; the rest would only be run again.
const lasting = [
  ...['browser', 'canary', 'clients', 'crash', 'docs', 'examples', 'failures', 'fuzz', 'packaging', 'requirements'].map(
    (folder) => `test/${folder}/**`,
  ),
  'test/backends/vault-raft.test.ts',
  'test/backends/aws-secrets-manager.test.ts',
  'test/attacks/slow-requests.test.ts',
].flatMap((pattern) => ['--exclude', pattern])
for (const [version, node] of newer) await vitest(`tests on Node ${version}`, node, lasting)

console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
