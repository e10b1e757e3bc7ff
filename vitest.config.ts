import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Folders whose files run one after the other in one process, which saves each of them a second of loading the server's packages. They
 * mock no module, set no variable of the environment and start no process-wide part; `test/harness/after-each-file.ts` gives back clocks and spies.
 */
const SHARED = [
  ...['calls', 'echo', 'fetch', 'form', 'link', 'login', 'session', 'token'].map((name) => `test/attacks/${name}`),
  ...['test/identity/access-token', 'test/identity/login', 'test/web'],
].map((folder) => `${folder}/**/*.test.ts`)

/** What takes longest: at the end, one of these would keep one processor busy and leave the others idle. */
const LONG =
  /\/test\/(?:packaging\/types|docs\/plug-in|backends\/|failures\/|browser\/|clients\/|cli\/|examples\/|docs\/|canary\/|e2e\/blocking|attacks\/http\/slow)/

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return [
      ...sorted.filter(({ moduleId }) => LONG.test(moduleId)),
      ...sorted.filter(({ moduleId }) => !LONG.test(moduleId)),
    ]
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
    sequence: { sequencer: LongFirst },
    projects: [
      { extends: true, test: { name: 'own', include: ['test/**/*.test.ts'], exclude: SHARED } },
      {
        extends: true,
        test: { name: 'shared', include: SHARED, isolate: false, setupFiles: ['test/harness/after-each-file.ts'] },
      },
    ],
  },
})
