import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { HttpCheckOptions } from '../../src/destinations/http-check.ts'
import { httpCheck } from '../../src/destinations/http-check.ts'
import { localUser } from '../../src/identity/local-user.ts'
import * as presets from '../../src/presets/index.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { type HttpService, startService } from '../harness/http-service.ts'
import { type LocalForm, startLocalForm } from '../harness/local-form.ts'
import { type DocumentedService, END, SERVICES } from './services.ts'

const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

const named = Object.entries(SERVICES)

/** The check of a preset whose address the operator declares. */
function checkOf({ preset }: DocumentedService): HttpCheckOptions & { readonly url: string } {
  const { httpCheck: check } = preset.verify
  if (typeof check.url !== 'string') throw new Error('The address is not declared.')
  return { ...check, url: check.url }
}

/** The preset, with the service on this machine: nothing but its address is changed. */
async function formOf(service: DocumentedService, local: HttpService): Promise<LocalForm> {
  const { preset } = service
  const [destination] = preset.destinations
  const check = checkOf(service)
  const form = await startLocalForm({
    ...preset,
    destinations: [{ ...destination, origin: local.origin }],
    verify: httpCheck({ ...check, url: local.origin + check.url.slice(new URL(check.url).origin.length) }),
  })
  endings.push(form.close)
  return form
}

async function answering(...given: DocumentedService['refuses']): Promise<HttpService> {
  const answers = [...given]
  const local = await startService((_, response) => {
    const {
      status,
      headers = {},
      body = '',
    } = answers.length > 1 ? (answers.shift() ?? { status: 500 }) : (answers[0] ?? { status: 500 })
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  endings.push(local.close)
  return local
}

describe.each(named)('%s', (_, service) => {
  test('saves what the service accepts, with name and end, and calls send the same header', async () => {
    const local = await answering(service.accepts)
    const form = await formOf(service, local)
    const page = await form.submit(service.values)
    expect(page.status).toBe(200)
    if (service.account !== undefined) expect(page.html).toContain(service.account)
    const stored = await form.stored()
    expect(stored).toMatchObject({ status: 'active' })
    expect(stored.status === 'active' && stored.labels?.accountName).toBe(service.account)
    expect(stored.status === 'active' && stored.labels?.expiresAt).toEqual(service.hasEnd ? END : undefined)
    const { method = 'GET', url, headers } = service.request
    expect(local.received.map((request) => [request.method, request.url])).toEqual([[method, url]])
    expect(local.received[0]?.headers).toMatchObject(headers)
    await form.fetch('/anything')
    const sent = local.received.at(-1)
    const credentialHeaders = Object.entries(headers).filter(([, value]) => value !== local.received[0]?.headers.accept)
    const [secret] = credentialHeaders.filter(([, value]) =>
      Object.values(service.values).some((one) => value.includes(one) || value.startsWith('Basic ')),
    )
    expect([sent?.url, sent?.headers[secret?.[0] ?? '']]).toEqual(['/anything', secret?.[1]])
  })

  test('refuses what the service refuses, and saves nothing when it is down', async () => {
    const local = await answering(...service.refuses, { status: 503 })
    const form = await formOf(service, local)
    for (const _refused of service.refuses) {
      expect((await form.submit(service.values)).status).toBe(422)
      expect(form.audit.events.at(-1)).toMatchObject({ type: 'credential.verification_failed', outcome: 'failure' })
    }
    expect((await form.submit(service.values)).status).toBe(503)
    expect(await form.stored()).toMatchObject({ status: 'absent' })
  })

  test('is a provider as it is, with a guide that names or links the page for tokens', () => {
    const { preset } = service
    expect(() => new CredentialsProvider(preset)).not.toThrow()
    expect(preset.doc).not.toContain('{page}')
    if (preset.manageUrl !== undefined) expect(preset.doc).toContain(`](${preset.manageUrl})`)
    for (const { origin } of preset.destinations as readonly { origin: string }[]) expect(origin).toMatch(/^https:/)
  })
})

test('every preset is tried here, and has its sources, and the page says what they do not confirm', () => {
  const functions = Object.entries(presets).filter(([, value]) => typeof value === 'function')
  const names = functions.map(([name]) => name).sort()
  expect(Object.keys(SERVICES).sort()).toEqual(names)
  expect(Object.keys(presets.presetSources).sort()).toEqual(names)
  const page = readFileSync(join(import.meta.dirname, '../../docs/presets.md'), 'utf8').replace(/\s+/g, ' ')
  for (const [name, { read, pages, unconfirmed }] of Object.entries(presets.presetSources)) {
    expect(page).toContain(` * \`${name}\`: ${unconfirmed.join('; ')} `)
    expect(read).toMatch(/^\d{4}-\d{2}-\d{2}$/)
    expect(pages.length).toBeGreaterThan(0)
    for (const page of pages) expect(page).toMatch(/^https:\/\//)
  }
})

test.each([
  ['slack', { ok: false, error: 'internal_error' }],
  ['linear', { data: null, errors: [{ message: 'x', extensions: { type: 'internal_error' } }] }],
  ['sonarqube', {}],
  ['gitlab', { message: 'hello' }],
  ['datadog', { status: 'degraded' }],
])('a 200 of %s that says neither yes nor no is no verdict', async (name, body) => {
  const service = SERVICES[name] as DocumentedService
  const local = await answering({ status: 200, body })
  const form = await formOf(service, local)
  expect((await form.submit(service.values)).status).toBe(503)
})

describe('addresses', () => {
  test.each([
    'http://git.example.com',
    'git.example.com',
    'https://a:b@git.example.com',
    'https://git.example.com/?x',
    '',
    undefined,
    7,
  ])('baseUrl %s is refused', (baseUrl) => {
    for (const make of [presets.gitlab, presets.jiraCloud, presets.github])
      expect(() => make({ baseUrl } as never)).toThrow(expect.objectContaining({ code: 'configuration_invalid' }))
  })

  test('a self-hosted preset needs an address or a list of hosts', () => {
    expect(() => presets.jenkins(undefined as never)).toThrow(/baseUrl/)
    expect(() => new CredentialsProvider(presets.jenkins({ allowedHosts: [] }))).toThrow(/allowedHosts/)
    for (const organization of ['', 'a/b', '..', 'a?b', 'a.example.com'])
      expect(() => presets.azureDevOps({ organization })).toThrow(
        expect.objectContaining({ code: 'configuration_invalid' }),
      )
  })

  test('GitHub Enterprise Server has its API below its address', () => {
    const { destinations, manageUrl, verify } = presets.github({ baseUrl: 'https://git.example.com/' })
    expect([destinations[0], manageUrl, verify.httpCheck.url]).toMatchObject([
      { origin: 'https://git.example.com' },
      'https://git.example.com/settings/tokens',
      'https://git.example.com/api/v3/user',
    ])
  })

  test('users may enter an address at the allowed hosts alone, and it is asked below its path', async () => {
    const local = await answering({ status: 200, body: { displayName: 'Alice' } })
    const { host } = new URL(local.origin)
    const at = { allowedHosts: [`http://${host}`], allowPrivateAddresses: true }
    const form = await startLocalForm(presets.jiraDataCenter(at))
    endings.push(form.close)
    const other = await form.submit({ site: 'https://evil.example.com', token: 'token-0123456789' })
    expect(other.status).toBe(422)
    expect(local.received).toEqual([])
    const page = await form.submit({ site: `${local.origin}/jira`, token: 'token-0123456789' })
    expect(page.html).toContain('Alice')
    expect(local.received.map(({ url }) => url)).toEqual(['/jira/rest/api/2/myself'])
  })

  test('and without allowPrivateAddresses not in the own network', async () => {
    const local = await answering({ status: 200, body: { displayName: 'Alice' } })
    const form = await startLocalForm(presets.jiraDataCenter({ allowedHosts: [local.origin] }))
    endings.push(form.close)
    expect((await form.submit({ site: local.origin, token: 'token-0123456789' })).status).toBe(503)
    expect(local.received).toEqual([])
  })
})

test('the values that a tool gets are typed from the preset', () => {
  type Values<P> = P extends CredentialsProvider<infer V> ? keyof V : never
  const github = new CredentialsProvider({ ...presets.github(), name: 'my-github' })
  const datadog = new CredentialsProvider(presets.datadog({ site: 'datadoghq.eu' }))
  const declared = new CredentialsProvider(presets.jiraCloud({ baseUrl: 'https://acme.atlassian.net' }))
  const entered = new CredentialsProvider({ ...presets.jiraCloud({ allowedHosts: ['*.atlassian.net'] }) })
  expectTypeOf<Values<typeof github>>().toEqualTypeOf<'token'>()
  expectTypeOf<Values<typeof datadog>>().toEqualTypeOf<'api_key' | 'application_key'>()
  expectTypeOf<Values<typeof declared>>().toEqualTypeOf<'email' | 'token'>()
  expectTypeOf<Values<typeof entered>>().toEqualTypeOf<'email' | 'token' | 'site'>()
  // @ts-expect-error there is no such site
  const wrong = () => presets.datadog({ site: 'evil.example.com' })
  expect(wrong).toThrow(/datadog needs site/)
  // @ts-expect-error an address is needed
  expect(() => presets.gitlab({})).toThrow()
})

describe('docs/presets.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/presets.md'), 'utf8')
  const withoutExamples = (text: string) =>
    text.replace(/^https:\/\/service\.example\.com(?:\/jira)?/, '').replace('/acme/', '/<organization>/')

  test.each(named)('%s: its row says what its data says', (_, service) => {
    const { preset, call } = service
    const { json, account, expires } = preset.verify.httpCheck
    const path = new URL(checkOf(service).url).pathname.replace('/jira/', '/').replace('/acme/', '/<organization>/')
    const fields = Object.keys(preset.variables).map((name) => `\`${name}\``)
    const check = `${json === undefined ? 'GET' : 'POST'} \`${path}\``
    const tells = [account, expires].map((one) => (one === undefined ? '–' : 'yes'))
    expect(page).toContain(`\n| ${[call, fields.join(', '), check, ...tells].join(' | ')} |\n`)
  })

  test.each(named)('%s: its page for tokens is the one of its data', (name, { preset: { manageUrl } }) => {
    const where = manageUrl === undefined ? '–' : `\`${withoutExamples(manageUrl)}\``
    expect(page).toContain(`\n| \`${name}\` | ${where} | ${presets.presetSources[name]?.read} |\n`)
  })

  test('its example of two installations opens, with names and labels of their own; without them it is refused', async () => {
    const [, block = ''] = /## Two installations of one service\n[\s\S]*?```ts\n([\s\S]*?)```/.exec(page) ?? []
    const made = async (text: string) => {
      const vault = await openVault({
        serverBaseUrl: 'http://localhost:8005',
        backend: memoryBackend(),
        identity: localUser(),
        audit: memoryAudit(),
        warn: () => undefined,
      })
      onTestFinished(() => vault.close())
      const body = `${text.replace(/^import .*$/gm, '')}\nreturn [products, research]`
      const run = new Function('CredentialsProvider', 'gitlab', 'vault', body)
      const providers = run(CredentialsProvider, presets.gitlab, vault) as readonly CredentialsProvider[]
      await Promise.all(providers.map((provider) => provider.ready()))
      return providers
    }
    expect((await made(block)).map(({ name, label }) => `${name}: ${label}`)).toEqual([
      'gitlab-products: GitLab (products)',
      'gitlab-research: GitLab (research)',
    ])
    await expect(made(block.replace(/^ {2}name: .*\n/gm, ''))).rejects.toMatchObject({ reason: 'provider_name_taken' })
  })
})

test.each([
  [{ ok: false, error: 'token_revoked' }, 200, true],
  [{ ok: false, error: 'channel_not_found' }, 200, false],
  [{ ok: true, error: 'token_revoked' }, 200, false],
  [{ ok: false, error: 'token_revoked' }, 503, false],
  ['not an object', 200, false],
  [{}, 401, true],
] as const)('the answer %j with status %i says that a Slack token is dead: %s', async (body, status, dead) => {
  expect(await presets.slack().rejectedWhen?.(Response.json(body, { status }))).toBe(dead)
})

/** An answer whose length is not declared, and that says that a token is dead once it has been read for some MB. */
function endlessAnswer() {
  const counted = { chunks: 0, cancelled: false }
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    counted.chunks += 1
    controller.enqueue(new TextEncoder().encode(' '.repeat(1024)))
  }
  const cancel = () => {
    counted.cancelled = true
  }
  return { counted, body: new ReadableStream({ pull, cancel }) }
}

test('a long Slack answer is not searched to its end', { timeout: 5_000 }, async () => {
  const { counted, body } = endlessAnswer()
  expect(await presets.slack().rejectedWhen?.(new Response(body))).toBe(false)
  expect(counted.chunks).toBeLessThan(8)
  expect(counted.cancelled).toBe(true)
})

test('a Slack error in several chunks is read', async () => {
  const body = new ReadableStream({
    start(controller) {
      for (const part of ['{"ok":false,', '"error":"token_revoked"}']) controller.enqueue(Buffer.from(part))
      controller.close()
    },
  })
  expect(await presets.slack().rejectedWhen?.(new Response(body))).toBe(true)
})

test.each([
  ['longer than an error', 'x'.repeat(4_000_000), {}],
  ['longer than an error, as declared', 'x'.repeat(4_000_000), { 'content-length': '4000000' }],
])('a tool gets a Slack answer that is %s', async (_, body, headers) => {
  const slack = SERVICES['slack'] as DocumentedService
  const local = await answering(slack.accepts, { status: 200, body, headers })
  const form = await formOf(slack, local)
  await form.submit(slack.values)
  expect((await form.fetch('/api/files')).status).toBe(200)
})
