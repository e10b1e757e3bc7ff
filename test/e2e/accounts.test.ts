import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { ToolExtra } from '../../src/mcp/sdk-v1/index.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { fillIn, type Harness, linkIn, openForm, startHarness, type TestClient } from '../harness/mcp-harness.ts'

const TOKENS = { unnamed: 'tok-plain-7d21c9f0', work: 'tok-work-41be77a3', personal: 'tok-personal-90cc12' }
const NAMES = ['forge', 'forge@work', 'forge@personal'] as const
const variables = { pat: { label: 'Token', type: 'password' } } as const

let harness: Harness
let forge: CredentialsProvider<typeof variables, 'work' | 'personal'>
let runs = 0
const references: string[] = []
const filling: Promise<unknown>[] = []

const answer = (text: string) => ({ content: [{ type: 'text' as const, text }] })
const tailOf = (pat: string) => pat.split('-')[1] ?? ''

beforeAll(async () => {
  harness = await startHarness({
    tools(server, gate, { vault }) {
      forge = new CredentialsProvider({
        vault,
        name: 'forge',
        variables,
        accounts: ['work', 'personal'],
        tokenTimeoutSeconds: 100,
      })
      const nameOf = async (extra: ToolExtra, account?: 'work' | 'personal') =>
        forge.getCredentials(extra, { account }).use(({ pat }) => tailOf(pat))
      const account = z.enum(['work', 'personal']).optional()

      server.registerTool(
        'asked',
        { inputSchema: { account } },
        gate(forge, { account: (args) => args.account }, async (_args, extra) => answer(await nameOf(extra))),
      )
      server.registerTool(
        'chosen',
        { inputSchema: { account } },
        gate(forge, async (args, extra) => {
          runs += 1
          return answer(`${await nameOf(extra)} and ${await nameOf(extra, args.account)}, run ${runs}`)
        }),
      )
      server.registerTool(
        'chosen_once',
        {},
        gate(forge, { retry: false }, async (extra) => answer(await nameOf(extra, 'work'))),
      )
      server.registerTool(
        'fallback',
        {},
        gate(forge, async (extra) => answer(await nameOf(extra, 'personal').catch(() => nameOf(extra)))),
      )
      server.registerTool(
        'reject_work',
        {},
        gate(forge, { account: 'work', retry: false }, async (extra) => {
          await nameOf(extra)
          await forge.getCredentials(extra).reject({ status: 401 })
          return answer('rejected')
        }),
      )
      server.registerTool(
        'copy',
        {},
        gate(
          forge,
          { account: 'work' },
          gate(forge, { account: 'personal' }, async (extra) => {
            const unclear = await nameOf(extra).catch((error: { reason?: string }) => error.reason)
            return answer(`${unclear} ${await nameOf(extra, 'work')} ${await nameOf(extra, 'personal')}`)
          }),
        ),
      )
      server.registerTool(
        'reference',
        {},
        gate(forge, { account: 'work' }, async (extra) => {
          const { reference } = forge.getCredentials(extra)
          references.push(reference)
          const owner = { issuer: harness.identityProvider.issuer, subject: 'alice' }
          return answer(await forge.resolve(reference, owner, extra).use(({ pat }) => tailOf(pat)))
        }),
      )
    },
  })
})
afterEach(async () => {
  await Promise.all(filling.splice(0))
  for (const user of ['alice', 'bob']) for (const name of NAMES) await harness.forget(user, name)
})
afterAll(() => harness.close())

/** Consents, and enters the token that belongs to the account of the form. */
const entering = (user: string) => (link: string) => {
  const account = /forge@([a-z]+)\//.exec(link)?.[1] ?? 'unnamed'
  filling.push(fillIn(link, user, { pat: TOKENS[account as keyof typeof TOKENS] }))
  return 'accept' as const
}

async function text(client: TestClient, tool: string, args: object = {}): Promise<string> {
  const result = CallToolResultSchema.parse(
    await client.client.callTool({ name: tool, arguments: { ...args } }, undefined, { onprogress: () => undefined }),
  )
  return result.content.map((block) => (block.type === 'text' ? block.text : '')).join('\n')
}

async function withAccounts(user: string): Promise<TestClient> {
  const client = await harness.connect(user, { onLink: entering(user) })
  for (const args of [{}, { account: 'work' }, { account: 'personal' }]) await text(client, 'asked', args)
  return client
}

test('a gate asks for the account that the arguments name, and the handler acts as that one', async () => {
  const alice = await harness.connect('alice', { onLink: entering('alice') })
  expect(await text(alice, 'asked', { account: 'work' })).toBe('work')
  expect(await text(alice, 'asked', { account: 'personal' })).toBe('personal')
  expect(await text(alice, 'asked')).toBe('plain')
  expect(alice.links).toHaveLength(3)
  expect(await text(alice, 'asked', { account: 'work' })).toBe('work')
  expect(alice.links).toHaveLength(3)
  const saved = harness.audit.events.filter(({ type }) => type === 'credential.stored')
  expect(saved.map(({ provider }) => provider)).toEqual(['forge@work', 'forge@personal', 'forge'])
})

test('an account that only the handler chooses is asked for once it has stopped, and it runs again', async () => {
  const bob = await harness.connect('bob', { onLink: entering('bob') })
  runs = 0
  expect(await text(bob, 'chosen', { account: 'work' })).toBe('plain and work, run 2')
  expect(bob.links).toHaveLength(2)
  expect(bob.completed).toEqual(bob.elicitationIds)
})

test('a client without URL elicitation gets the link to the account that the handler lacks', async () => {
  await text(await harness.connect('bob', { onLink: entering('bob') }), 'asked')
  const plain = await harness.connect('bob')
  const asked = await text(plain, 'chosen', { account: 'personal' })
  expect(asked).toContain('Forge (personal)')
  const form = await openForm(httpBrowser(), linkIn(asked), 'bob')
  expect(textOf(form.html)).toContain('Forge (personal)')
})

test('a handler that opted out of the second run stops with the link', async () => {
  const bob = await harness.connect('bob', { onLink: entering('bob') })
  expect(await text(bob, 'chosen_once')).toMatch(/Forge \(work\).*http:\/\/localhost:\d+\/credentials\/forge/s)
})

test('a handler that does without the account is not asked about it', async () => {
  const bob = await harness.connect('bob', { onLink: entering('bob') })
  expect(await text(bob, 'fallback')).toBe('plain')
  expect(bob.links).toHaveLength(1)
})

test('one account is rejected, and the others stay in use', async () => {
  const alice = await withAccounts('alice')
  expect(await text(alice, 'reject_work')).toBe('rejected')
  const plain = await harness.connect('alice')
  expect(await text(plain, 'asked', { account: 'work' })).toContain('Forge (work) rejected your stored credential')
  expect(await text(plain, 'asked', { account: 'personal' })).toBe('personal')
  expect(await text(plain, 'asked')).toBe('plain')
})

test('behind gates for two accounts a handler has to say which one it means', async () => {
  const bob = await harness.connect('bob', { onLink: entering('bob') })
  expect(await text(bob, 'copy')).toBe('account_unclear work personal')
})

test('a reference names one account, and opens no other', async () => {
  const alice = await withAccounts('alice')
  expect(await text(alice, 'reference')).toBe('work')
  const other = new CredentialsProvider({ vault: harness.vault, name: 'other', variables, accounts: ['work'] })
  expect(() => other.resolve(references.at(-1) ?? '', harness.owner('alice'))).toThrow('not valid here')
})

test('the page lists each account, and revokes one of them', async () => {
  await withAccounts('alice')
  const browser = httpBrowser()
  const page = await openForm(browser, `${harness.baseUrl}/credentials`, 'alice')
  const shown = textOf(page.html)
  for (const label of ['Forge', 'Forge (personal)', 'Forge (work)', 'Jira']) expect(shown).toContain(label)
  expect(await forge.invalidateCredentials(harness.owner('alice'), undefined, { account: 'work' })).toBe(true)
  const call = { signal: new AbortController().signal, correlationId: 'by-hand' }
  const statusOf = async (name: string) =>
    (await harness.backend.stat(storageKey(name, harness.owner('alice')), call)).status
  expect(await Promise.all(NAMES.map(statusOf))).toEqual(['active', 'revoked', 'active'])
})

test('an account that is not declared is an error before anything is asked', async () => {
  // @ts-expect-error: only declared accounts have a type
  expect(() => forge.account('nope') && forge.getCredentials({} as ToolExtra, { account: 'nope' })).toThrow(
    'forge has no account of this name. It declares work, personal.',
  )
  for (const accounts of [['Work'], ['a', 'a'], ['jira@work'], Array.from({ length: 21 }, (_, at) => `a${at}`)])
    expect(() => new CredentialsProvider({ name: 'jira', variables, accounts })).toThrow('CredentialsProvider.accounts')
})
