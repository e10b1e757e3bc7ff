import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'

const RESULTS = '.cache/test-results'
/** Node 22 and later keep compiled code here, which the many processes of the tests load in place of compiling it again. */
const COMPILE_CACHE = resolve('.cache/node-compile-cache')
const TEST_ENVIRONMENT = {
  NODE_COMPILE_CACHE: COMPILE_CACHE,
  // What npm asks the registry besides, at each of the tests' installations. The check before a release asks for advisories.
  ...{ npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' },
}

/**
 * Runs stages one after the other, each with a line before it and one after it. Lists at the end what failed, prints "N passed, N failed",
 * and keeps both for `earlier`: the name of a run whose counts this one adds to its own.
 */
export async function runStages(run, stages, { earlier } = {}) {
  // TypeScript's compiler is a Go program: collecting garbage half as often, it takes a third less time and hardly more memory.
  process.env.GOGC ??= '200'
  const counts = `${RESULTS}/${run}.json`
  mkdirSync(RESULTS, { recursive: true })
  rmSync(counts, { force: true })
  const total = { passed: 0, failures: [] }
  let current = ''
  // Whatever cannot install a tool ends the process: that stage has failed, and the last line says so.
  process.once('exit', () => {
    if (current !== '') total.failures.push(`${current}: see its output above`)
    if (current === '') writeFileSync(counts, JSON.stringify(total))
    const all = earlier === undefined ? [total] : [countsOf(earlier), total]
    const passed = all.reduce((sum, one) => sum + one.passed, 0)
    const failures = all.flatMap((one) => one.failures)
    if (failures.length > 0) console.log(`\nFailed:\n${failures.map((failure) => `  ${failure}`).join('\n')}`)
    console.log(`\n${passed} passed, ${failures.length} failed`)
    process.exitCode = failures.length === 0 ? 0 : 1
  })
  for (const [index, { name, act }] of stages.entries()) {
    current = name
    console.log(`\n== ${index + 1}/${stages.length} ${name}`)
    const start = performance.now()
    const { passed, failures } = await act()
    const result = failures.length === 0 ? 'passed' : 'FAILED'
    console.log(`== ${name}: ${result}, ${passed} passed, ${failures.length} failed, ${seconds(start)} s`)
    total.passed += passed
    total.failures.push(...failures)
  }
  current = ''
}

/** A stage that installs what later ones need. What it cannot install, it names, and ends the process. */
export function bring(name, ...tools) {
  const act = async () => {
    for (const tool of tools) await tool()
    return { passed: 1, failures: [] }
  }
  return { name, act }
}

/** A stage that is one command. */
export function check(name, command, parameters) {
  const act = async () => outcomeOf(name, await codeOf(command, parameters))
  return { name, act }
}

/** A stage that is one command which counts for itself: its last line begins with "N passed, N failed". */
export function counted(name, command, parameters) {
  const act = async () => {
    const { code, output } = await outputOf(command, parameters)
    console.log(output.trimEnd())
    const [, passed, failed] = /^(\d+) passed, (\d+) failed[^\n]*$/.exec(output.trimEnd().split('\n').at(-1)) ?? []
    if (failed === undefined) return { passed: 0, failures: [`${name}: ended with ${code} and no result`] }
    const bad = code === 0 ? Number(failed) : Math.max(1, Number(failed))
    return { passed: Number(passed), failures: Array(bad).fill(`${name}: see its output above`) }
  }
  return { name, act }
}

/** Stages that run at the same time, as one. Only one of them may print while it runs; `together` and `counted` print at their end. */
export function sideBySide(name, ...stages) {
  const act = async () => {
    return sumOf(await Promise.all(stages.map((stage) => stage.act())))
  }
  return { name, act }
}

/** A stage of commands that wait most of the time, so they wait together. What each printed is shown as a whole, in their order. */
export function together(name, ...commands) {
  const act = async () => {
    const running = commands.map(([one, command, parameters]) => ({ one, ended: outputOf(command, parameters) }))
    const outcomes = []
    for (const { one, ended } of running) {
      const { code, output } = await ended
      console.log(`\n-- ${one}\n${output.trimEnd()}`)
      outcomes.push(outcomeOf(one, code))
    }
    return sumOf(outcomes)
  }
  return { name, act }
}

function sumOf(outcomes) {
  return {
    passed: outcomes.reduce((sum, { passed }) => sum + passed, 0),
    failures: outcomes.flatMap(({ failures }) => failures),
  }
}

function outcomeOf(name, code) {
  return code === 0 ? { passed: 1, failures: [] } : { passed: 0, failures: [`${name} (${code})`] }
}

function outputOf(command, parameters) {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    }
    child.once('error', ({ message }) => resolve({ code: 127, output: output + message }))
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** A stage that is the tests, or those that `parameters` choose, on the Node that `binary` resolves to. A test that was skipped has failed. */
export function tests(name, binary, parameters) {
  const act = async () => {
    const output = `${RESULTS}/${name.replace(/\W+/g, '-')}-vitest.json`
    rmSync(output, { force: true })
    rmSync(COMPILE_CACHE, { recursive: true, force: true })
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`]
    const quiet = ['--silent=passed-only', '--slowTestThreshold=60000']
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...quiet, ...parameters]
    const code = await codeOf(await binary(), vitest, { ...process.env, ...TEST_ENVIRONMENT })
    const { numPassedTests: passed, testResults } = resultsIn(output)
    const failures = testResults.flatMap(failuresIn).map((failure) => `${name}: ${failure}`)
    if (code !== 0 && failures.length === 0)
      failures.push(`${name}: ended with ${code}, and no test failed: see its output above`)
    return { passed, failures }
  }
  return { name, act }
}

function codeOf(command, parameters, env = process.env) {
  return new Promise((resolve) => {
    const child = spawn(command, parameters, { env, stdio: ['ignore', 'inherit', 'inherit'] })
    child.once('error', () => resolve(127))
    child.once('close', (code) => resolve(code ?? 1))
  })
}

/** Names of tests that failed or were not run, and of files that did not load. */
function failuresIn({ name, status, assertionResults }) {
  const file = relative(process.cwd(), name)
  const failed = assertionResults.filter((one) => one.status !== 'passed')
  if (failed.length > 0)
    return failed.map((one) => `${file} > ${one.fullName}${one.status === 'failed' ? '' : ` (${one.status})`}`)
  return status === 'failed' ? [`${file} (the file itself: see its output above)`] : []
}

function resultsIn(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return { numPassedTests: 0, testResults: [] }
  }
}

/** The counts of a run that ended; one that did not has failed. */
function countsOf(run) {
  try {
    return JSON.parse(readFileSync(`${RESULTS}/${run}.json`, 'utf8'))
  } catch {
    return { passed: 0, failures: [`${run}: did not end`] }
  }
}

function seconds(start) {
  return Math.round((performance.now() - start) / 1000)
}
