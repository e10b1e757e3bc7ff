import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type ClientLoginHarness, REDIRECT_URI, startClientLogin, walkLogin } from '../../harness/client-login.ts'
import { pythonCommand } from '../../harness/processes/running-process.ts'

let harness: ClientLoginHarness
beforeAll(async () => {
  harness = await startClientLogin()
})
afterAll(() => harness.close())

test("the Python client's own login code checks our issuer, logs in, calls a tool, and refreshes", async () => {
  const script = `${import.meta.dirname}/python_login.py`
  const child = spawn(pythonCommand('python'), [script, `${harness.baseUrl}/mcp`, REDIRECT_URI])
  onTestFinished(() => void child.kill('SIGKILL'))
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`The Python client ended:\n${errors.slice(-3000)}`)
    return JSON.parse(value)
  }

  const { url } = await next()
  const answer = await walkLogin(String(url))
  child.stdin.write(`${answer.href}\n`)
  expect(await next()).toEqual({ texts: ['alice', 'alice'], refreshed: true })
  expect(harness.audit.events.filter(({ type }) => type === 'client.token_issued')).toHaveLength(2)
  // True of this provider, as it is set up here.
  expect(harness.problems).toEqual([expect.stringContaining('does not rotate the refresh tokens')])
})
