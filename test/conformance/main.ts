import { InMemoryServerEventBus } from '@modelcontextprotocol/server'
import { mcpMount as mountV1 } from '../../src/mcp/sdk-v1/index.ts'
import { mcpMount as mountV2 } from '../../src/mcp/sdk-v2/index.ts'
import { type HarnessOptions, startHarness } from '../harness/mcp-harness.ts'
import { SUITE } from '../requirements/quoted.ts'
import { chapters } from '../requirements.ts'
import { differences, runBehindProxy } from './behind-proxy.ts'
import { EXPECTED_FAILURES } from './expected-failures.ts'
import { judge, type Verdict } from './judge.ts'
import { makeServerV1 } from './server-v1.ts'
import { makeServerV2 } from './server-v2.ts'
import { requiredScenarios, runSuite } from './suite.ts'
import { startTokenProxy } from './token-proxy.ts'

// npm run conformance: the conformance suite of MCP against our mounts, behind the real bearer gate, and the same behind the credential proxy.

type Serve = NonNullable<HarnessOptions['serve']>

const bus = new InMemoryServerEventBus()
const MOUNTS: Readonly<Record<string, { readonly serve: Serve; readonly revisions: readonly string[] }>> = {
  'SDK 1.x': {
    serve: ({ vault, jira }) => mountV1(vault, (options) => makeServerV1(jira, options)),
    revisions: ['2025-11-25'],
  },
  'SDK 2.x': {
    serve: ({ vault, jira }) => mountV2(vault, (options) => makeServerV2(jira, bus, options), { bus }),
    revisions: ['2025-11-25', '2026-07-28'],
  },
}

/** Checks that the requirements cite as their tests. */
function citedFor(revision: string): readonly string[] {
  if (revision !== '2026-07-28') return []
  return chapters
    .flatMap(({ requirements }) => requirements)
    .flatMap(({ answer }) => (answer.kind === 'tested' ? answer.tests : []))
    .flatMap(([file, check]) => (file === SUITE ? [check] : []))
}

async function runMount(serve: Serve, revision: string, run: string): Promise<Verdict> {
  const harness = await startHarness({ serve })
  try {
    const token = await harness.identityProvider.issueAccessToken('alice', { expiresIn: 3600 })
    const url = `${harness.baseUrl}/mcp`
    const proxy = await startTokenProxy(new URL(url), token)
    try {
      const checks = await runSuite(proxy.url, revision)
      const required = [...requiredScenarios(revision), ...citedFor(revision)]
      const verdict = judge({ name: run, checks, required }, EXPECTED_FAILURES)
      const different = differences(run, checks, await runBehindProxy(url, token, revision))
      console.log(`${run}, behind the credential proxy: ${different.length} checks of ${checks.length} end otherwise`)
      return { ...verdict, failures: [...verdict.failures, ...different] }
    } finally {
      await proxy.close()
    }
  } finally {
    await harness.close()
  }
}

const verdicts: Verdict[] = []
for (const [mount, { serve, revisions }] of Object.entries(MOUNTS)) {
  for (const revision of revisions) {
    const run = `${mount} at ${revision}`
    const verdict = await runMount(serve, revision, run)
    console.log(`${run}: ${verdict.passed} passed, ${verdict.failures.length} failed, ${verdict.expected} expected`)
    verdicts.push(verdict)
  }
}
const failures = verdicts.flatMap((one) => one.failures)
if (failures.length > 0) console.log(`\nFailed:\n${failures.map((failure) => `  ${failure}`).join('\n')}`)
const sum = (count: (one: Verdict) => number) => verdicts.reduce((total, one) => total + count(one), 0)
console.log(`\n${sum((one) => one.passed)} passed, ${failures.length} failed, ${sum((one) => one.expected)} expected`)
process.exitCode = failures.length === 0 ? 0 : 1
