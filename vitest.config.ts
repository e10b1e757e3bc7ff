import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that need a process of their own: they mock a module, replace what the whole process has, measure the process, or run so long
 * that it does not matter. The others run one after the other in three processes, which saves each of them a second of loading the server
 * and its packages; `test/harness/after-each-file.ts` restores clocks, spies and environment variables after each.
 */
const OWN_PROCESS = ['attacks/http', 'canary', 'crash', 'deploy', 'fuzz', 'mutations', 'packaging', 'telemetry']
  .map((folder) => `test/${folder}/**/*.test.ts`)
  .concat(
    'test/backends/hashicorp-vault/{node-vault-traps,raft}.test.ts',
    'test/backends/sealed-file/{durability,full-disk,lost-link}.test.ts',
    'test/cli/bulk/{marks-and-expiry,offboard-half-done}.test.ts',
    'test/core/crypto/key-source.test.ts',
    'test/core/host/private-folder.test.ts',
    'test/destinations/bound-fetch.test.ts',
    'test/e2e/two-tiers.test.ts',
    'test/failures/vault.test.ts',
    'test/pending/memory-pending-store.test.ts',
    'test/vault/open-vault.test.ts',
  )

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
  'deploy/compose',
  ...['browser', 'clients', 'failures', 'examples', 'backends', 'docs', 'packaging', 'cli', 'crash', 'proxy'],
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
    setupFiles: ['test/harness/no-log-in-the-clone.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      { extends: true, test: { name: 'own', include: OWN_PROCESS } },
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: OWN_PROCESS,
          isolate: false,
          setupFiles: ['test/harness/no-log-in-the-clone.ts', 'test/harness/after-each-file.ts'],
        },
      },
    ],
  },
})
