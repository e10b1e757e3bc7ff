import { expect, onTestFinished, test } from 'vitest'
import type { ClientLoginHarnessOptions } from '../../harness/client-login.ts'
import { loggedIn, refusals, requestTokens, startClientLogin } from '../../harness/client-login.ts'

// Our client at the identity provider may be allowed more than this server's own resource. Clients get no token that our gate would refuse.
async function answerWith(token: (issue: (audience: string) => Promise<string>) => Promise<string>) {
  let issued = ''
  const intercept: NonNullable<ClientLoginHarnessOptions['intercept']> = (request, response) => {
    if (request.url !== '/token') return false
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ access_token: issued, token_type: 'Bearer', id_token: issued, refresh_token: 'r' }))
    return true
  }
  const harness = await startClientLogin({ intercept })
  onTestFinished(() => harness.close())
  issued = await token((audience) => harness.provider.issueAccessToken('alice', { audience }))
  const { grant } = await loggedIn(harness)
  return { harness, answer: await requestTokens(harness, grant), issued }
}

test.each([
  ['audience', (issue: (audience: string) => Promise<string>) => issue('https://graph.example.com')],
  ['malformed', async () => 'a.b.c'],
])('a token with the problem %s is not passed on', async (reason, token) => {
  const { harness, answer, issued } = await answerWith(token)
  expect([answer.status, answer.body['error']]).toEqual([500, 'server_error'])
  expect(JSON.stringify(answer.body)).not.toContain(issued)
  expect(refusals(harness).at(-1)).toBe(reason)
  expect(harness.problems.join()).toContain(`(${reason}, reference `)
  expect(harness.problems.join()).not.toContain(issued)
  expect(harness.audit.events.some(({ type }) => type === 'client.token_issued')).toBe(false)
})
