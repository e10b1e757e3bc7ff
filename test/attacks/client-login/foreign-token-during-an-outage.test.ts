import { expect, onTestFinished, test } from 'vitest'
import { loggedIn, requestTokens, startClientLogin } from '../../harness/client-login.ts'

// The provider's keys cannot be read for a while, and meanwhile its tokens are for another service.
test("another service's token is not passed on while the provider's keys are away", async () => {
  let issued = ''
  const harness = await startClientLogin({
    intercept(request, response) {
      if (request.url === '/jwks') {
        response.writeHead(503).end()
        return true
      }
      if (request.url !== '/token') return false
      request.resume()
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ access_token: issued, token_type: 'Bearer', refresh_token: 'r' }))
      return true
    },
  })
  onTestFinished(() => harness.close())
  issued = await harness.provider.issueAccessToken('alice', { audience: 'https://graph.example.com' })
  const { grant } = await loggedIn(harness)
  const { status, body } = await requestTokens(harness, grant)
  expect({ status, text: JSON.stringify(body) }).not.toMatchObject({ status: 200 })
})
