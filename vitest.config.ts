import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that need a process of their own: they mock a module, replace what the whole process has, measure the process, or run so long
 * that it does not matter. The others run one after the other in six processes, which saves each of them a second of loading the server
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

/** What takes longest, so that none of it is left alone at the end. A fresh clone knows no durations. */
const LONGEST_FIRST = [
  ...['packaging/types', 'attacks/http/slow-requests', 'hashicorp-vault/raft', 'canary', 'deploy/compose', 'crash'],
  ...['redis/topologies', 'docs/plug-in', 'redis/failures', 'sealed-envelope/sealed-envelope', 'clients/inspector'],
  ...['e2e/blocking', 'redis/slot-that-moves', 'e2e/three-replicas', 'cli/bulk/offboard', 'docs/getting-started'],
  ...['browser', 'clients', 'examples', 'docs', 'backends', 'packaging', 'cli', 'redis', 'failures', 'e2e', 'proxy'],
]

/** What waits for clocks and servers nearly all of its time, and what fills memory with browsers. The rest computes. */
const SPREAD = [
  ['/redis/', '/e2e/', '/failures/', '/backends/', '/hashicorp-vault/', 'attacks/http/slow-requests'],
  ['/browser/'],
]

const rankOf = ({ moduleId }: TestSpecification) => {
  const rank = LONGEST_FIRST.findIndex((name) => moduleId.includes(`/${name}`))
  return rank === -1 ? LONGEST_FIRST.length : rank
}

/** Spreads each kind over the first four fifths of the rest, so that the processors have work all the time and the memory suffices. */
function spread(files: readonly TestSpecification[]): TestSpecification[] {
  const kindOf = ({ moduleId }: TestSpecification) =>
    SPREAD.findIndex((names) => names.some((name) => moduleId.includes(name)))
  const placed = [-1, ...SPREAD.keys()].flatMap((kind) => {
    const alike = files.filter((file) => kindOf(file) === kind)
    return alike.map((file, at) => ({ file, place: (at / alike.length) * (kind === -1 ? 1 : 0.8) }))
  })
  return placed.toSorted((one, other) => one.place - other.place).map(({ file }) => file)
}

/** Files with a process of their own come first: each of them would end a process that the others share. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = (await super.sort(files)).toSorted((one, other) => rankOf(one) - rankOf(other))
    const isOwn = ({ project }: TestSpecification) => project.name === 'own'
    return [...spread(sorted.filter(isOwn)), ...spread(sorted.filter((file) => !isOwn(file)))]
  }
}

export default defineConfig({
  test: {
    // Tests wait for what they expect, never for a time. These only end a hang, also on a machine that is busy with something else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    // Most tests wait for a server or a clock most of the time: two processors have work for six.
    maxWorkers: 6,
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
