import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { fillIn, linkIn, startHarness } from '../harness/mcp-harness.ts'
import { temporaryFolder } from '../harness/sealed-file/sealed-folder.ts'

async function started() {
  const folder = join(await temporaryFolder(), 'store')
  const key = generateKeyText()
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const harness = await startHarness({ backend: sealedFile({ folder, key, warn: () => undefined }), warn })
  onTestFinished(() => harness.close())
  const told = () => warnings.filter((text) => text.startsWith('backend: '))
  return { harness, folder, key, told }
}

test('a store whose keyring another key locks is reported as key_wrong, with what to do', async () => {
  const { harness, folder, key, told } = await started()
  const operator = sealedFile({ folder, key, create: false, warn: () => undefined })
  await operator.open()
  onTestFinished(() => operator.close())
  const { signal } = new AbortController()
  await operator.storeKeys?.rotate(signal)
  await operator.storeKeys?.rewrap(randomBytes(32), signal)

  const alice = await harness.connect('alice')
  const page = await fillIn(linkIn((await alice.text()).text), 'alice', { pat: 'tok-canary-5511' })
  expect(page.status).toBe(503)
  expect([...harness.vault.problems()]).toEqual([['backend', 'key_wrong']])
  expect(told()).toEqual([expect.stringMatching(/^backend: key_wrong\. .*keyring is locked with key .* Configure key/)])
  expect(told().join('')).not.toContain('canary')
})

test('a store that is gone is reported as store_gone, with what to do', async () => {
  const { harness, folder, told } = await started()
  await rm(join(folder, 'records'), { recursive: true })
  await (await harness.connect('alice')).text()
  expect([...harness.vault.problems()]).toEqual([['backend', 'store_gone']])
  expect(told()).toEqual([
    expect.stringMatching(/^backend: store_gone\. The store in .* is missing: .* Mount the volume/),
  ])
})
