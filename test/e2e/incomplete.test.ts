import { expect, test, vi } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { fillIn, linkIn, openForm } from '../harness/mcp-harness.ts'
import { providerThatGrew } from '../harness/provider-that-grew.ts'

// The provider has gained the required field `site` since Alice saved her token.
const variables = {
  pat: { label: 'Token', type: 'password' },
  site: { label: 'Site', type: 'string' },
  team: { label: 'Team', type: 'string', required: false },
} as const

const PAT = 'tok-alice-5f0e'
test('only the new field is asked for, and the others are kept', async () => {
  const verified: unknown[] = []
  const { harness, store, stored } = await providerThatGrew(variables, async (values) => {
    verified.push({ ...values })
    return { ok: true }
  })
  await store({ pat: PAT, team: 'blue' })
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
  expect(await stored()).toEqual({ pat: PAT, site: 'acme', team: 'blue' })
  expect(verified).toEqual([{ pat: PAT, site: 'acme', team: 'blue' }])
  expect((await alice.text('values')).text).toBe('pat site team')
  const read = harness.audit.events.filter(({ type }) => type === 'credential.read')
  expect(read.at(-1)).toMatchObject({ outcome: 'success', owner: harness.owner('alice'), provider: 'jira' })
})

test('a kept field cannot be replaced by a form that does not ask for it', async () => {
  const { harness, store, stored } = await providerThatGrew(variables)
  await store({ pat: PAT })
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('values')).text)
  await fillIn(link, 'alice', { site: 'acme', pat: 'tok-of-somebody-else' })
  expect(await stored()).toEqual({ pat: PAT })
})

test('a form that was shown whole is saved whole, without a look at what is stored', async () => {
  const { harness, store, stored } = await providerThatGrew(variables)
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('values')).text)
  const browser = httpBrowser()
  const form = await openForm(browser, link, 'alice')
  // Somebody stores an incomplete one meanwhile, which the user's own values then replace.
  await store({ pat: 'tok-of-an-operator', team: 'blue' })
  const looked = vi.spyOn(harness.backend, 'stat')
  const page = await browser.press(form, 'Save', { pat: PAT, site: 'acme', team: '' })
  expect(page.html).toContain('Jira is connected')
  expect(looked).not.toHaveBeenCalled()
  expect(await stored()).toEqual({ pat: PAT, site: 'acme' })
})

test('a value that was changed while the form was open is not put back', async () => {
  let meanwhile = async (): Promise<void> => undefined
  const { harness, store, stored } = await providerThatGrew(variables, async () => {
    await meanwhile()
    return { ok: true }
  })
  await store({ pat: PAT })
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('values')).text)
  meanwhile = () => store({ pat: 'tok-rotated-88' })
  await fillIn(link, 'alice', { site: 'acme' })
  expect(await stored()).toEqual({ pat: 'tok-rotated-88' })
  meanwhile = async () => undefined
  await fillIn(link, 'alice', { site: 'acme' })
  expect(await stored()).toEqual({ pat: 'tok-rotated-88', site: 'acme' })
})

test('a credential that was revoked meanwhile is asked for as a whole', async () => {
  const { harness, store, stored } = await providerThatGrew(variables)
  await store({ pat: PAT })
  const alice = await harness.connect('alice')
  const link = linkIn((await alice.text('values')).text)
  await harness.forget('alice')
  const partial = await fillIn(link, 'alice', { site: 'acme' })
  expect(partial.html).toContain('Token: enter a value.')
  expect(await stored()).toBeUndefined()
})
