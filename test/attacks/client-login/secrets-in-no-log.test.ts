import { expect, onTestFinished, test } from 'vitest'
import { loggedIn, requestTokens, startClientLogin } from '../../harness/client-login.ts'
import { CLIENT_SECRET } from '../../harness/identity/closed-provider.ts'

// A reader of logs and error reports must find nothing there that logs them in.
test('no log line, warning or problem has a code, token, verifier or secret, whatever fails', async () => {
  const codes: string[] = []
  const harness = await startClientLogin({
    intercept(request) {
      const code = new URL(request.url ?? '/', 'http://unused').searchParams.get('code')
      if (code !== null) codes.push(code)
      return false
    },
  })
  onTestFinished(() => harness.close())
  const { grant, clientId } = await loggedIn(harness)
  const { body } = await requestTokens(harness, grant)
  await requestTokens(harness, grant)
  await requestTokens(harness, { ...grant, code_verifier: 'x'.repeat(43) })
  harness.provider.stopAnswering({ path: '/token' })
  const refresh = String(body['refresh_token'])
  await requestTokens(harness, { grant_type: 'refresh_token', refresh_token: refresh, client_id: clientId })

  const everything = JSON.stringify(harness.audit.events) + JSON.stringify(harness.problems)
  const secrets = [
    grant['code'],
    grant['code_verifier'],
    clientId,
    refresh,
    String(body['access_token']),
    CLIENT_SECRET,
    'its-state',
    ...codes,
  ]
  expect(harness.audit.events.map(({ type }) => type)).toContain('client.refused')
  for (const secret of secrets) expect(everything).not.toContain(secret)
})
