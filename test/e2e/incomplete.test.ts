import { expect, onTestFinished, test, vi } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { CredentialValues } from '../../src/core/model/variables.ts'
import type { Verify } from '../../src/vault/provider/provider-form.ts'
import { fillIn, type Harness, linkIn, openForm, startHarness } from '../harness/mcp-harness.ts'

// The provider has gained the required field `site` since Alice saved her token.
const variables = {
  pat: { label: 'Token', type: 'password' },
  site: { label: 'Site', type: 'string' },
  team: { label: 'Team', type: 'string', required: false },
} as const

const PAT = 'tok-alice-5f0e'
const call = () => ({ signal: new AbortController().signal, correlationId: 'by-hand' })

async function started(verify?: Verify): Promise<Harness> {
  const harness = await startHarness({
    cacheSeconds: 0,
    jira: { variables, ...(verify && { verify }) },
    tools(server, gate, { jira }) {
      server.registerTool(
        'values',
        {},
        gate(jira, async (extra) => {
          const text = await jira.getCredentials(extra).use((values) => Object.keys(values).join(' '))
          return { content: [{ type: 'text', text }] }
        }),
      )
    },
  })
  onTestFinished(() => harness.close())
  return harness
}

async function stored(harness: Harness, values: CredentialValues): Promise<void> {
  const intent = { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: crypto.randomUUID() } as const
  await harness.backend.write(storageKey('jira', harness.owner('alice')), values, intent, call())
}

async function valuesOf(harness: Harness) {
  const found = await harness.backend.read(storageKey('jira', harness.owner('alice')), call())
  return found.status === 'active' ? found.values : undefined
}

test('only the new field is asked for, and the others are kept', async () => {
  const verified: unknown[] = []
  const harness = await started(async (values) => {
    verified.push({ ...values })
    return { ok: true }
  })
  await stored(harness, { pat: PAT, team: 'blue' })
  const alice = await harness.connect('alice')
  const { text } = await alice.text('values')
  expect(text).toContain('Jira needs one more field of your credential')
  const link = linkIn(text)
  const empty = await fillIn(link, 'alice', { site: '' })
  expect(empty.html).toContain('Site: enter a value.')
  expect(empty.html).toContain('name="site"')
  expect(empty.html).not.toContain('name="pat"')
  expect(empty.html).not.toContain(PAT)
  await fillIn(link, 'alice', { site: 'acme' })
  expect(await valuesOf(harness)).toEqual({ pat: PAT, site: 'acme', team: 'blue' })
  expect(verified).toEqual([{ pat: PAT, site: 'acme', team: 'blue' }])
  expect((await alice.text('values')).text).toBe('pat site team')
  const read = harness.audit.events.filter(({ type }) => type === 'credential.read')
  expect(read.at(-1)).toMatchObject({ outcome: 'success', owner: harness.owner('alice'), provider: 'jira' })
})

test('a kept field cannot be replaced by a form that does not ask for it', async () => {
  const harness = await started()
  await stored(harness, { pat: PAT })
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('values')).text)
  await fillIn(link, 'alice', { site: 'acme', pat: 'tok-of-somebody-else' })
  expect(await valuesOf(harness)).toEqual({ pat: PAT })
})

test('a form that was shown whole is saved whole, without a look at what is stored', async () => {
  const harness = await started()
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('values')).text)
  const browser = httpBrowser()
  const form = await openForm(browser, link, 'alice')
  // Somebody stores an incomplete one meanwhile, which the user's own values then replace.
  await stored(harness, { pat: 'tok-of-an-operator', team: 'blue' })
  const looked = vi.spyOn(harness.backend, 'stat')
  const page = await browser.press(form, 'Save', { pat: PAT, site: 'acme', team: '' })
  expect(page.html).toContain('Jira is connected')
  expect(looked).not.toHaveBeenCalled()
  expect(await valuesOf(harness)).toEqual({ pat: PAT, site: 'acme' })
})

test('a value that was changed while the form was open is not put back', async () => {
  let meanwhile = async (): Promise<void> => undefined
  const harness = await started(async () => {
    await meanwhile()
    return { ok: true }
  })
  await stored(harness, { pat: PAT })
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('values')).text)
  meanwhile = () => stored(harness, { pat: 'tok-rotated-88' })
  await fillIn(link, 'alice', { site: 'acme' })
  expect(await valuesOf(harness)).toEqual({ pat: 'tok-rotated-88' })
  meanwhile = async () => undefined
  await fillIn(link, 'alice', { site: 'acme' })
  expect(await valuesOf(harness)).toEqual({ pat: 'tok-rotated-88', site: 'acme' })
})

test('a credential that was revoked meanwhile is asked for as a whole', async () => {
  const harness = await started()
  await stored(harness, { pat: PAT })
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('values')).text)
  await harness.forget('alice')
  const partial = await fillIn(link, 'alice', { site: 'acme' })
  expect(partial.html).toContain('Token: enter a value.')
  expect(await valuesOf(harness)).toBeUndefined()
})
