import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Folders whose files run one after the other in one process, which saves each of them a second of loading the server's packages. They
 * mock no module, set no environment variable and start no process-wide part. `test/harness/after-each-file.ts` restores clocks and spies.
 */
const SHARED = [
  ...['audit', 'calls', 'echo', 'fetch', 'form', 'link', 'login', 'server', 'session', 'token'].map(
    (name) => `test/attacks/${name}`,
  ),
  ...['credentials', 'echo-guard', 'gate', 'journal', 'model', 'network', 'requests'].map(
    (name) => `test/core/${name}`,
  ),
  ...['anchors', 'line', 'query', 'verify'].map((name) => `test/audit/${name}`),
  ...['test/identity', 'test/mcp', 'test/web'],
].map((folder) => `${folder}/**/*.test.ts`)

/**
 * What takes longest, in turn what computes and what waits: at the end, one of these would keep one processor busy and leave the others
 * idle. A fresh clone knows no durations.
 */
const LONGEST_FIRST = [
  'packaging/types',
  'attacks/http/slow-requests',
  'docs/plug-in',
  'backends/hashicorp-vault/raft',
  'canary',
  'e2e/blocking',
  ...['browser', 'clients', 'failures', 'examples', 'backends', 'docs', 'packaging', 'cli', 'crash'],
].map((name) => `/test/${name}`)

const rankOf = ({ moduleId }: TestSpecification) => {
  const rank = LONGEST_FIRST.findIndex((name) => moduleId.includes(name))
  return rank === -1 ? LONGEST_FIRST.length : rank
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other))
  }
}

export default defineConfig({
  test: {
    // Tests wait for what they expect, never for a time. These only end a hang, also on a machine that is busy with something else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    // Most tests wait for a server most of the time: two processors have work for three.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'own', include: ['test/**/*.test.ts'], exclude: SHARED } },
      {
        extends: true,
        test: { name: 'shared', include: SHARED, isolate: false, setupFiles: ['test/harness/after-each-file.ts'] },
      },
    ],
  },
})
