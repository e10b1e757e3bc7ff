import { expect, test, vi } from 'vitest'
import { httpBrowser } from '../../../examples/tickets/http-browser.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { linkIn, openForm } from '../../harness/mcp-harness.ts'
import { providerThatGrew } from '../../harness/provider-that-grew.ts'

// The provider has gained the required field `site`. What was stored before is optional, so a form of `site` alone is also a good whole form,
// and what it kept is lost if it is saved as one. Its token says that it was a part.
const variables = {
  pat: { label: 'Token', type: 'password', required: false },
  site: { label: 'Site', type: 'string' },
} as const

const PAT = 'tok-alice-5f0e'
async function started() {
  const { harness, store, stored } = await providerThatGrew(variables)
  await store({ pat: PAT })
  const partOf = async (clientId: string) => {
    const client = await harness.connect('alice', { clientId })
    const link = linkIn((await client.text('values')).text)
    const browser = httpBrowser()
    const form = await openForm(browser, link, 'alice')
    expect(form.html).not.toContain('name="pat"')
    return (site: string) => browser.press(form, 'Save', { site })
  }
  return { harness, stored, partOf }
}

test('the same part filled in twice keeps the other fields', async () => {
  const { stored, partOf } = await started()
  const first = await partOf('vscode')
  const second = await partOf('other-client')
  await first('acme')
  expect(await stored()).toEqual({ pat: PAT, site: 'acme' })
  const page = await second('acme')
  expect(await stored()).toMatchObject({ pat: PAT })
  expect(page.html).toContain('Nothing was saved')
  expect(page.html).toContain('name="pat"')
})

test('a part that is sent during a short outage of the backend keeps the other fields', async () => {
  const { harness, stored, partOf } = await started()
  const save = await partOf('vscode')
  const down = new CredentialVaultError('unavailable', 'Down.', { reason: 'connection', retryable: true })
  const { stat } = harness.backend
  let asked = 0
  vi.spyOn(harness.backend, 'stat').mockImplementation(async (...parameters) => {
    asked += 1
    if (asked <= 3) throw down
    return stat(...parameters)
  })
  await save('acme')
  expect(await stored()).toMatchObject({ pat: PAT })
})

test('a part that is sent while the backend is away says so, and is saved when it is sent again', async () => {
  const { harness, stored, partOf } = await started()
  const save = await partOf('vscode')
  const away = new CredentialVaultError('unavailable', 'Away.', { reason: 'connection', retryable: false })
  const stat = vi.spyOn(harness.backend, 'stat').mockRejectedValue(away)
  const page = await save('acme')
  expect(page.html).toContain('This cannot be done right now')
  expect(await stored()).toEqual({ pat: PAT })
  stat.mockRestore()
  await save('acme')
  expect(await stored()).toEqual({ pat: PAT, site: 'acme' })
})
