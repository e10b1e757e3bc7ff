import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { fillIn, linkIn, startHarness } from '../harness/mcp-harness.ts'
import { awsMarks, vaultMarks } from '../harness/vendor-marks.ts'

/** A service that accepts these tokens alone, and the ones that it has seen. */
async function startService() {
  const good = new Set<string>()
  const seen: string[] = []
  const service = createServer(({ headers: { authorization = '' } }, response) => {
    const token = authorization.replace('Bearer ', '')
    seen.push(token)
    response.statusCode = good.has(token) ? 200 : 401
    response.end()
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void service.close())
  return { good, seen, origin: `http://127.0.0.1:${(service.address() as AddressInfo).port}` }
}

test.each([
  ['vault', vaultMarks],
  ['aws-secrets-manager on moto', () => awsMarks('moto')],
  ['aws-secrets-manager on ministack', () => awsMarks('ministack')],
] as const)(
  '%s: a refused token is marked there, and an operator’s new one is used',
  {
    timeout: 60_000,
  },
  async (name, makeMarks) => {
    const vendor = await makeMarks()
    onTestFinished(() => vendor.close())
    const { good, seen, origin } = await startService()
    const warnings: string[] = []
    const harness = await startHarness({
      backend: vendor.backend,
      warn: (message) => void warnings.push(message),
      jira: { destinations: [{ origin, header: { scheme: 'Bearer', field: 'pat' } }], tokenTimeoutSeconds: 100 },
      tools: (server, gate, { jira }) =>
        void server.registerTool(
          'fetch',
          {},
          gate(jira, { failFast: true }, async (extra) => ({
            content: [{ type: 'text', text: String((await jira.getCredentials(extra).fetch('/')).status) }],
          })),
        ),
    })
    onTestFinished(() => harness.close())
    const key = storageKey('jira', harness.owner('alice'))
    const alice = await harness.connect('alice')
    const rejected = () => harness.audit.events.filter(({ type }) => type === 'credential.rejected')
    const asked = async () => {
      const before = seen.length
      const { text, isError } = await alice.text('fetch')
      expect([isError, text]).toEqual([true, expect.stringContaining('Jira rejected your stored credential')])
      return seen.length - before
    }

    good.add('tok-one-5c1d9a70e2')
    await fillIn(linkIn((await alice.text('fetch')).text), 'alice', { pat: 'tok-one-5c1d9a70e2' })
    expect(await alice.text('fetch')).toEqual({ text: '200', isError: false })
    expect(await vendor.shown(key)).toBeUndefined()

    // The service ends the token: one more request shows it, and the vendor's own API shows the mark.
    good.clear()
    expect(await asked()).toBe(1)
    expect(rejected()).toMatchObject([{ outcome: 'success', provider: 'jira', status: 401 }])
    const mark = await vendor.shown(key)
    expect(mark).toMatch(name === 'vault' ? /^1 \d{4}-\d\d-\d\dT[\d:.]+Z$/ : /^mcp-rejected-\d{8}T\d{6}Z$/)
    expect(await asked()).toBe(0)

    // Erased, the mark costs one refused request, after which it is there again.
    await vendor.erase(key)
    expect(await asked()).toBe(1)
    expect(await vendor.shown(key)).toBeDefined()
    expect(rejected()).toHaveLength(2)

    // A forged mark of the operator's new token only makes its owner be asked.
    good.add('tok-two-81f3b6c45d')
    await vendor.operator.put(key, { pat: 'tok-two-81f3b6c45d' })
    expect(await vendor.shown(key)).not.toBe(mark)
    await vendor.forge(key)
    expect(await asked()).toBe(0)
    await vendor.erase(key)
    expect(await alice.text('fetch')).toEqual({ text: '200', isError: false })
    expect(seen.at(-1)).toBe('tok-two-81f3b6c45d')

    // The same with a token of the owner's own.
    await vendor.forge(key)
    good.add('tok-three-2e97d014ab')
    await fillIn(linkIn((await askedLink()).text), 'alice', { pat: 'tok-three-2e97d014ab' })
    expect(await vendor.shown(key)).toBeUndefined()
    expect(await alice.text('fetch')).toEqual({ text: '200', isError: false })
    expect(seen.at(-1)).toBe('tok-three-2e97d014ab')
    expect(warnings).toEqual([])

    /** What is refused next makes the gate ask, cached or not. */
    async function askedLink() {
      good.delete('tok-two-81f3b6c45d')
      return alice.text('fetch')
    }
  },
)
