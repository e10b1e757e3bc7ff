import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { useProcessLog } from '../../../src/core/host/process-log.ts'
import { partWarnings, processWarning, warnAbout } from '../../../src/core/host/process-warning.ts'

test('gives every warning one type and one code to filter on', async () => {
  const [[warning]] = await Promise.all([once(process, 'warning'), processWarning('The audit anchor failed.')])
  expect(warning).toMatchObject({
    name: 'CredentialVaultWarning',
    code: 'MCP_CREDENTIAL_VAULT',
    message: 'The audit anchor failed.',
  })
})

test('the log of the process gets each warning without a listener, with the part that it is about', () => {
  const logged: unknown[] = []
  const quiet = () => undefined
  const log = { debug: quiet, info: quiet, error: quiet, warn: (...line: unknown[]) => void logged.push(line) }
  onTestFinished(useProcessLog(log))
  partWarnings({}, 'audit')('The audit anchor failed.')
  warnAbout('redis')('Redis is away.')
  processWarning('A key is exposed.')
  expect(logged).toEqual([
    [{ component: 'audit' }, 'The audit anchor failed.'],
    [{ component: 'redis' }, 'Redis is away.'],
    [{ component: 'process' }, 'A key is exposed.'],
  ])
})
