import { once } from 'node:events'
import { expect, test } from 'vitest'
import { processWarning } from '../../../src/core/host/process-warning.ts'

test('gives every warning one type and one code to filter on', async () => {
  const [[warning]] = await Promise.all([once(process, 'warning'), processWarning('The audit anchor failed.')])
  expect(warning).toMatchObject({
    name: 'CredentialVaultWarning',
    code: 'MCP_CREDENTIAL_VAULT',
    message: 'The audit anchor failed.',
  })
})
