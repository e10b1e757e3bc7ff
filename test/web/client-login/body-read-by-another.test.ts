import { expect, onTestFinished, test } from 'vitest'
import { postJson, requestTokens, startClientLogin } from '../../harness/client-login.ts'

test('a body parser that came first: the client is not blamed, and the operator learns where to mount', async () => {
  const harness = await startClientLogin({
    before: async (ctx, next) => {
      for await (const _ of ctx.req);
      await next()
    },
  })
  onTestFinished(() => harness.close())
  const url = `${harness.baseUrl}/credentials/register`
  for (const answer of [
    await requestTokens(harness, { grant_type: 'refresh_token' }),
    await postJson(url, { redirect_uris: ['http://127.0.0.1/callback'] }),
  ]) {
    expect([answer.status, answer.body['error']]).toEqual([500, 'server_error'])
  }
  expect(harness.problems).toHaveLength(2)
  expect(harness.problems[0]).toContain('before the parser')
})
