import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { revoke } from '../../../src/cli/credentials/revoke.ts'
import { runCommand } from '../../../src/cli/terminal/command.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, ISSUER, revisionPath, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

// Whoever damages a record must not keep an operator from revoking it: SECURITY.md says that revocation always proceeds.
test('the command revokes a damaged record, as the backend can', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'tok-canary-77f1c09a2e' })
  const path = revisionPath(backend, ALICE, 1)
  const bytes = await readFile(path)
  bytes[bytes.length - 8] = (bytes[bytes.length - 8] ?? 0) ^ 1
  await writeFile(path, bytes)
  await expect(backend.stat(ALICE, call())).rejects.toMatchObject({ code: 'record_tampered' })

  let said = ''
  const say = (text: string) => {
    said += text
  }
  const environment = { MCP_VAULT_FOLDER: store.folder, MCP_VAULT_KEY: store.key }
  const terminal = { out: say, error: say, environment, readSecret: async () => '' }
  const code = await runCommand(revoke, ['jira', '--issuer', ISSUER, '--subject', 'alice'], terminal)
  expect({ code, said }).toMatchObject({ code: 0, said: expect.stringMatching(/^Revoked/) })
  expect(await backend.stat(ALICE, call())).toMatchObject({ status: 'revoked' })
})
