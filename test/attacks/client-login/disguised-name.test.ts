import { afterAll, beforeAll, expect, test } from 'vitest'
import { textOf } from '../../../examples/tickets/http-browser.ts'
import { authorizationUrl, type ClientLoginHarness, registered, startClientLogin } from '../../harness/client-login.ts'

// A client may call itself anything. It must not be able to draw a page, or to look like part of ours.
let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

async function consentOf(name: string): Promise<string> {
  const clientId = await registered(harness, ['http://127.0.0.1:8097/callback'], name)
  return (await fetch(authorizationUrl(harness, { client_id: clientId }))).text()
}

test('markup in a name is text', async () => {
  const html = await consentOf('</dd><script>alert(1)</script><form action=//evil.example.com>')
  expect(html).not.toContain('<script>alert')
  expect(html).not.toContain('<form action=//evil')
  expect(textOf(html)).toContain('not verified')
})

test('line ends and characters that turn the direction of writing are dropped', async () => {
  const html = await consentOf('Good\n\u202eapp\u200b\u0000 Editor')
  expect(html).toContain('Good app Editor')
})

test('a long name does not push the page away', async () => {
  const html = await consentOf('a'.repeat(1_000))
  expect(html).not.toContain('a'.repeat(101))
})

test('without a name, and on loopback, the page says what it does not know', async () => {
  const text = textOf(await consentOf(''))
  expect(text).toContain('It gives no name')
  expect(text).toContain('127.0.0.1:8097 a program on this computer')
  expect(text).toContain('Any program on this computer could be asking')
})
