import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** One check of a scenario, as the suite reports it. */
export interface Check {
  /** `<scenario>:<check>`. */
  readonly id: string
  /** A warning is about what the specification only recommends. */
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  readonly problem: string
}

const PACKAGE = '.cache/conformance/node_modules/@modelcontextprotocol/conformance'
const SUITE = `${PACKAGE}/dist/index.js`
/** The suite does not load on Node 20. */
const NODE = '.cache/node-22/node_modules/node/bin/node'

/** It reads streams for half a second at a time, in which a busy machine may not have answered. */
const HASTY = 'server-stateless'
const TRIES = 3

/** Runs every scenario of the suite that applies to a server at this revision. */
export async function runSuite(url: string, revision: string): Promise<Check[]> {
  let checks = await run(url, revision, ['--suite', 'all'])
  for (let tries = 1; tries < TRIES && checks.some(isFailureOfHasty); tries += 1) {
    console.log(`${HASTY} failed, and is run again: it waits for no more than half a second.`)
    const again = await run(url, revision, ['--scenario', HASTY])
    checks = [...checks.filter(({ id }) => !id.startsWith(`${HASTY}:`)), ...again]
  }
  return checks
}

function isFailureOfHasty({ id, status }: Check): boolean {
  return id.startsWith(`${HASTY}:`) && (status === 'FAILURE' || status === 'WARNING')
}

async function run(url: string, revision: string, chosen: readonly string[]): Promise<Check[]> {
  for (const [path, script] of [
    [SUITE, 'bring-conformance'],
    [NODE, 'bring-node'],
  ] as const)
    if (!existsSync(path)) throw new Error(`${path} is missing: npm test brings it, with scripts/${script}.mjs`)
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'))
  try {
    const output = await outputOf([
      ...[resolve(SUITE), 'server', '--url', url, ...chosen],
      ...['--spec-version', revision, '--output-dir', folder, '--timeout', '120000'],
    ])
    const checks = readdirSync(folder).flatMap((name) => checksIn(join(folder, name)))
    if (checks.length === 0) throw new Error(`the suite reported nothing: ${output}`)
    return checks
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The scenarios that the suite requires of servers of a revision. */
export function requiredScenarios(revision: string): string[] {
  const list = readFileSync(`${PACKAGE}/requirements/${revision}.yaml`, 'utf8')
  const [, block = ''] = /^server:\n((?: {2}- \S+\n)+)/m.exec(list) ?? []
  const scenarios = block.split('\n').flatMap((line) => line.slice(4) || [])
  if (scenarios.length === 0) throw new Error(`the suite names no scenarios for servers of ${revision}`)
  return scenarios
}

interface ReportedCheck {
  readonly id: string
  readonly status: Check['status']
  readonly description: string
  readonly errorMessage?: string
}

/** The folder's name is `server-<scenario>-<time>`. */
function checksIn(folder: string): Check[] {
  const scenario = /server-(.+?)-\d{4}-\d\d-\d\dT[^/]*$/.exec(folder)?.[1]
  if (scenario === undefined) throw new Error(`the suite named a folder in a new way: ${folder}`)
  const reported: ReportedCheck[] = JSON.parse(readFileSync(join(folder, 'checks.json'), 'utf8'))
  return reported.map(({ id, status, description, errorMessage }) => ({
    id: `${scenario}:${id}`,
    status,
    problem: errorMessage ?? description,
  }))
}

/** Its exit code only says whether every check passed. */
function outputOf(parameters: readonly string[]): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(resolve(NODE), parameters, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    child.once('error', failed)
    child.once('close', () => done(output))
  })
}
