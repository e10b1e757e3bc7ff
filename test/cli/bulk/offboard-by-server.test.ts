import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serverOffboardText } from '../../../src/cli/bulk/offboard-text.ts'
import { type AdminHarness, startAdminHarness } from '../../harness/admin-api.ts'
import { runCli } from '../../harness/processes/run-cli.ts'

let harness: AdminHarness
const folder = mkdtempSync(join(tmpdir(), 'offboard-by-server-'))
beforeAll(async () => {
  harness = await startAdminHarness()
})
afterAll(async () => {
  await harness.close()
  rmSync(folder, { recursive: true })
})

function tokenFile(name: string, token: string): string {
  const path = join(folder, name)
  writeFileSync(path, `${token}\n`, { mode: 0o600 })
  return path
}

const words = (file: string, ...more: string[]) => {
  const { issuer, subject } = harness.owner('alice')
  return [
    'offboard',
    '--issuer',
    issuer,
    '--subject',
    subject,
    '--server',
    harness.baseUrl,
    '--token-file',
    file,
    ...more,
  ]
}

test('the running server does all of it, and the command ends with 0 and needs no store', async () => {
  await harness.store('jira', 'alice')
  const file = tokenFile('operator', harness.operatorToken)
  const nobody = await runCli(
    words(file).map((word) => (word === 'alice' ? 'alicia' : word)),
    {},
  )
  expect([nobody.code, nobody.out]).toEqual([0, expect.stringMatching(/^Nothing was found for alicia/)])
  expect(nobody.out).toContain("Checked: the backend's list, with 1 credential of all owners.\n")
  expect(nobody.out).toContain("The server has ended the owner's sessions")
  const dry = await runCli(words(file, '--dry-run'), {})
  expect([dry.code, await harness.status('jira', 'alice')]).toEqual([0, 'active'])
  const done = await runCli(words(file), {})
  expect([done.code, done.error]).toEqual([0, ''])
  expect(done.out).toContain("The server has ended the owner's sessions, links, waiting calls and cached values.")
  expect(done.out).toContain('Delete the tokens at the services too')
  expect(await harness.status('jira', 'alice')).toBe('revoked')
  const json = JSON.parse((await runCli(words(file, '--json'), {})).out)
  expect(json).toMatchObject({ left: [], credentials: [{ provider: 'jira', result: 'already_revoked' }] })
})

test('a token without the scope, none, and one option without the other', async () => {
  const user = tokenFile('user', await harness.identityProvider.issueAccessToken('mallory'))
  const refused = await runCli(words(user), {})
  expect([refused.code, refused.error]).toEqual([1, expect.stringContaining('lacks the admin scope')])
  const bad = await runCli(words(tokenFile('bad', 'nonsense')), {})
  expect([bad.code, bad.error]).toEqual([1, expect.stringContaining('did not accept the access token')])
  const alone = await runCli(
    words(user).filter((word) => word !== '--server' && word !== harness.baseUrl),
    {},
  )
  expect([alone.code, alone.error]).toEqual([2, expect.stringContaining('belong together')])
})

test('what the server could not tell its replicas is printed, and nothing claims that cached values have ended', () => {
  const left = [{ what: 'caches', error: 'unavailable' }] as const
  const text = serverOffboardText({ issuer: 'i', subject: 's', dryRun: false, credentials: [], listed: 1, left })
  expect(text).toContain(
    'Not ended: cached values and running calls of other replicas, which could not be told (unavailable). Run the command again.',
  )
  expect(text).not.toContain('The server has ended')
})
