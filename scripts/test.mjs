// The whole of the project's checks, as `npm test` and CI run them. Ends with "N passed, N failed".
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { relative } from 'node:path'
import { bringChromium } from './bring-chromium.mjs'
import { bringInspector } from './bring-inspector.mjs'
import { bringNode } from './bring-node.mjs'
import { bringPython } from './bring-python.mjs'

const RESULTS = '.cache/test-results'
/** What failed, for the end: the output above it is long. */
const failures = []
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
  else {
    failed += 1
    failures.push(name)
  }
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
  const named = failuresIn(results).map((failure) => `${name}: ${failure}`)
  failures.push(...named)
  if (code !== 0 && named.length === 0)
    failures.push(`${name}: ended with ${code}, and no test failed: see its output above`)
  if (notRun > 0) console.log(`== ${name}: ${notRun} tests were not run, which counts as failed`)
}

/** Names of tests that failed or were not run, and of files that did not load. */
function failuresIn({ testResults }) {
  return testResults.flatMap(({ name, status, assertionResults }) => {
    const file = relative(process.cwd(), name)
    const tests = assertionResults.filter((one) => one.status !== 'passed')
    if (tests.length > 0)
      return tests.map((one) => `${file} > ${one.fullName}${one.status === 'failed' ? '' : ` (${one.status})`}`)
    return status === 'failed' ? [`${file} (the file itself: see its output above)`] : []
  })
}

function readResults(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults: [] }
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
  'test/backends/hashicorp-vault/raft.test.ts',
  'test/backends/aws-secrets-manager/aws-secrets-manager.test.ts',
  'test/attacks/http/slow-requests.test.ts',
].flatMap((pattern) => ['--exclude', pattern])
for (const [version, node] of newer) await vitest(`tests on Node ${version}`, node, lasting)

if (failures.length > 0) console.log(`\nFailed:\n${failures.map((failure) => `  ${failure}`).join('\n')}`)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
