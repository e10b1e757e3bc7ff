import { request } from 'undici'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { policyToken } from '../../harness/hashicorp-vault/policy-token.ts'
import { debuggedTier, formsOf, LOCAL_USER } from '../../harness/processes/debugged-tier.ts'

const EARLIER = 'pat-of-alice-the-earlier-one'
const SECRET = 'pat-of-alice-that-no-form-tier-has-seen'
const ALICE = storageKey('jira', { issuer: 'local-user', subject: LOCAL_USER })

let bao: OpenBao
beforeAll(async () => {
  bao = await startOpenBao()
})
afterAll(() => bao.stop())

interface Stored {
  readonly mount: string
  readonly write: string
  readonly environment: Readonly<Record<string, string>>
  /** What the engine holds for the credential, as its administrator sees it. */
  readonly held: string
}

/** Two versions of a credential that another process has saved, and what the form tier is given. */
async function stored(envelopeKey?: string, more = ''): Promise<Stored> {
  const mount = await bao.newMount()
  const vault = vaultBackend({ address: bao.address, mount, auth: { method: 'token', token: ROOT_TOKEN } })
  const backend = envelopeKey === undefined ? vault : sealedEnvelope(vault, { key: envelopeKey })
  await backend.open()
  onTestFinished(() => backend.close())
  await put(backend, ALICE, { pat: EARLIER })
  await put(backend, ALICE, { pat: SECRET })
  const { body } = await bao.api('GET', pathOf(mount, 'data'))
  const write = await policyToken(bao, 'form', mount, more)
  const environment = {
    MCP_VAULT_BACKEND: 'vault',
    MCP_WEB_KEY: generateKeyText(),
    MCP_AUDIT_KEY: generateKeyText(),
    VAULT_ADDR: bao.address,
    VAULT_KV_MOUNT: mount,
    VAULT_WRITE_TOKEN: write,
    ...(envelopeKey !== undefined && { MCP_SEALED_ENVELOPE_KEY: envelopeKey }),
  }
  return { mount, write, environment, held: Object.values<string>(body.data.data).join('\n') }
}

const pathOf = (mount: string, engine: string) => `${mount}/${engine}/mcp/${ALICE.path}`

/** Everything that might tell a value, by the login that the process has. Returns each answer with its request. */
async function attack(mount: string, token: string, address = bao.address): Promise<readonly string[]> {
  const at = (engine: string) => pathOf(mount, engine)
  const tries: readonly (readonly [string, string, (object | undefined)?, Readonly<Record<string, string>>?])[] = [
    ['GET', at('data')],
    ['GET', `${at('data')}?version=1`],
    ['GET', `${at('data')}?version=2`],
    ['GET', `${at('subkeys')}?depth=0`],
    ['GET', `${at('subkeys')}?version=1`],
    ['GET', at('metadata')],
    ['GET', `${mount}/detailed-metadata/mcp/?list=true`],
    ['LIST', `${mount}/metadata/mcp`],
    ['GET', at('')],
    ['GET', at('data').replace('/data/', '/data//')],
    ['GET', at('data').replace('/data/', '/metadata/../data/')],
    ['GET', at('data').replace('/data/', '/Data/')],
    ['HEAD', at('data')],
    ['GET', at('data'), undefined, { 'x-vault-wrap-ttl': '60s' }],
    ['POST', at('undelete'), { versions: [1, 2] }],
    ['PATCH', at('data'), { data: { other: 'x' } }],
    ['POST', 'sys/wrapping/wrap', { path: at('data') }],
    ['POST', 'auth/token/create', { policies: ['root'] }],
    ['POST', 'auth/token/create', {}],
    ['POST', 'auth/token/create-orphan', { policies: ['root'] }],
    ['PUT', 'sys/policies/acl/default', { policy: 'path "*" { capabilities = ["read"] }' }],
    ['GET', 'sys/raw/logical'],
    ['GET', `sys/internal/ui/mounts/${mount}`],
    ['POST', 'sys/remount', { from: mount, to: 'mine' }],
    ['POST', `sys/mounts/${mount}/tune`, { options: { version: '1' } }],
    ['POST', 'sys/audit/mine', { type: 'file', options: { file_path: 'stdout', log_raw: 'true' } }],
    ['GET', 'sys/storage/raft/snapshot'],
    ['POST', 'sys/capabilities-self', { paths: [at('data')] }],
    ['GET', 'cubbyhole/mcp'],
  ]
  const answers: string[] = []
  for (const [method, path, body, headers] of tries) {
    const answer = await request(`${address}/v1/${path}`, {
      method: method as 'GET',
      headers: {
        'x-vault-token': token,
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await answer.body.text()
    answers.push(`${method} ${path} ${answer.statusCode} ${text}`)
    // A wrapped answer would be opened by whoever holds its token.
    const wrapped = /"wrap_info":\{"token":"([^"]+)"/.exec(text)?.[1]
    if (wrapped === undefined) continue
    const opened = await request(`${address}/v1/sys/wrapping/unwrap`, {
      method: 'POST',
      headers: { 'x-vault-token': wrapped },
    })
    answers.push(`unwrapped ${await opened.body.text()}`)
  }
  return answers
}

test('with its login and a debugger, an attacker reads no version of a value, and its memory holds none', async () => {
  const { mount, environment } = await stored()
  const form = await debuggedTier('form', environment)
  expect(await form.openPage()).toContain('Replace Jira')
  const taken = String(await form.evaluate('process.env.VAULT_WRITE_TOKEN'))
  const answers = (await attack(mount, taken)).join('\n')
  expect(answers).not.toContain(SECRET)
  expect(answers).not.toContain(EARLIER)
  // The login is alive, and knows that the credential is there.
  expect(answers).toMatch(/GET \S+\/metadata\/\S+ 200 /)
  const needles = { secret: [...formsOf(SECRET), ...formsOf(EARLIER)], 'its login': formsOf(taken) }
  expect(await form.found(needles)).toEqual(['its login'])
})

test("the same attack with the tools' login reads it", async () => {
  const { mount } = await stored()
  const answers = (await attack(mount, await policyToken(bao, 'tool', mount))).join('\n')
  expect(answers).toContain(SECRET)
  expect(answers).toContain(EARLIER)
})

test('the key of a sealed envelope, which both tiers hold, opens nothing without the sealed text', async () => {
  const { mount, write, environment, held } = await stored(generateKeyText())
  expect(held).toMatch(/^mcv-sealed/)
  const form = await debuggedTier('form', environment)
  await form.openPage()
  const answers = (await attack(mount, write)).join('\n')
  expect(answers).not.toContain(held)
  expect(await form.found({ secret: formsOf(SECRET), sealed: formsOf(held) })).toEqual([])
})

test('a form tier whose login may read does not start, and says what to do', async () => {
  const { environment } = await stored(
    undefined,
    'path "secret/data/mcp/*" { capabilities = ["create", "update", "read"] }',
  )
  await expect(debuggedTier('form', environment)).rejects.toThrow('its login to vault may read credentials')
})
