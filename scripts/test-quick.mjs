// What answers within a minute, while one works. Ends with "N passed, N failed".
import { check, runStages, tests } from './stages.mjs'

/** Logic alone: what is in these folders starts no server, no browser and no process, and needs nothing but node_modules. */
const LOGIC = [
  'test/audit/anchors/',
  'test/audit/line/',
  'test/audit/verify/',
  'test/core/',
  'test/testing/',
  'test/vault/provider/',
  'test/web/pages/',
]
const SHAPE = ['test/architecture.test.ts', 'test/requirements.test.ts']

await runStages('npm run test:quick', [
  check('format and lint', 'npm', ['run', '--silent', 'lint']),
  check('types', 'npm', ['run', '--silent', 'typecheck']),
  tests('shape', () => process.execPath, SHAPE),
  tests('logic', () => process.execPath, LOGIC),
])
