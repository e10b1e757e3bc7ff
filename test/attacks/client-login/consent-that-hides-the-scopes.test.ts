import { expect, onTestFinished, test } from 'vitest'
import { textOf } from '../../../examples/tickets/http-browser.ts'
import { authorizationUrl, clientBrowser, registered, startClientLogin } from '../../harness/client-login.ts'

// "The MCP-level consent page MUST […] display the specific third-party API scopes being requested, [and] show the registered redirect_uri
// where tokens will be sent" (MCP, security best practices, confused deputy).
test('the consent page says for what the client asks, and where exactly the code goes', async () => {
  const harness = await startClientLogin({
    clientLogin: {
      redirectUris: ['https://app.example.com/tenant-of-somebody/callback'],
      scopes: { mcp: 'mcp', 'tickets-delete': 'api://tickets/delete', offline_access: 'offline_access' },
    },
  })
  onTestFinished(() => harness.close())
  const redirect_uri = 'https://app.example.com/tenant-of-somebody/callback'
  const client_id = await registered(harness, [redirect_uri])
  const url = authorizationUrl(harness, { client_id, redirect_uri, scope: 'mcp tickets-delete' })
  const text = textOf((await clientBrowser().open(url)).html)
  expect.soft(text).toContain('tickets-delete')
  expect.soft(text).toContain('app.example.com/tenant-of-somebody/callback')
})
