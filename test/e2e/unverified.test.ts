import { expect, onTestFinished, test } from 'vitest'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { Verify } from '../../src/vault/provider/provider-form.ts'
import { fillIn, type Harness, linkIn, startHarness } from '../harness/mcp-harness.ts'

const PAT = 'tok-alice-77e1'
const SAVE_ANYWAY = { pat: PAT, 'save-unverified': 'yes' }

async function started(verify: Verify, allowUnverified: boolean): Promise<Harness> {
  const harness = await startHarness({ jira: { verify, allowUnverified } })
  onTestFinished(() => harness.close())
  return harness
}

const unreachable: Verify = async () => {
  throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
}

async function statusOf(harness: Harness) {
  const call = { signal: new AbortController().signal, correlationId: 'look' }
  return harness.backend.stat(storageKey('jira', harness.owner('alice')), call)
}

test('where the provider allows it, a value that could not be checked is saved as unverified', async () => {
  const harness = await started(unreachable, true)
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('read_secret')).text)
  const first = await fillIn(link, 'alice', { pat: PAT })
  expect(first.status).toBe(503)
  expect(first.html).toContain('Save without checking')
  expect(first.html).not.toContain(PAT)
  expect(await statusOf(harness)).toMatchObject({ status: 'absent' })
  await fillIn(link, 'alice', SAVE_ANYWAY)
  expect(await statusOf(harness)).toMatchObject({ status: 'active', labels: { unverified: true } })
  expect((await alice.text('read_secret')).isError).toBe(false)
  const lines = harness.audit.events.filter(({ type }) => type === 'credential.verification_failed')
  expect(lines).toHaveLength(2)
})

test('elsewhere the button is not offered, and its field is refused', async () => {
  const harness = await started(unreachable, false)
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('read_secret')).text)
  expect((await fillIn(link, 'alice', { pat: PAT })).html).not.toContain('Save without checking')
  await fillIn(link, 'alice', SAVE_ANYWAY)
  expect(await statusOf(harness)).toMatchObject({ status: 'absent' })
})

test('a value that the service refused is not saved, whatever the browser sends', async () => {
  const harness = await started(async () => ({ ok: false, problem: 'Jira does not know this token.' }), true)
  const alice = await harness.connect('alice')
  const page = await fillIn(linkIn((await alice.text('read_secret')).text), 'alice', SAVE_ANYWAY)
  expect(page.html).toContain('Jira does not know this token.')
  expect(await statusOf(harness)).toMatchObject({ status: 'absent' })
})
