import { afterEach, describe, expect, test } from 'vitest'
import { type AccountServer, MANAGE_URL, rowOf, startAccountServer } from '../../harness/browser/account-server.ts'
import { GOOD_VALUES, PAT } from '../../harness/browser/form-server.ts'
import { accountToken, headingOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: AccountServer

afterEach(() => server.close())

async function open(settings: Parameters<typeof startAccountServer>[0] = {}): Promise<Visitor> {
  server = await startAccountServer(settings)
  await server.fill('alice')
  const alice = visitorOf(server)
  await alice.signInToAccount('alice')
  return alice
}

const TODAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })

test('every service is listed in its state, with the buttons that make sense there, and no value is shown', async () => {
  const { status, text } = await (await open()).get('/credentials')
  expect(status).toBe(200)
  const saved = `Saved on ${TODAY.format(new Date())}`
  const row = (label: string) => rowOf(text, label)
  expect(row('Jira')).toBe(
    `Jira Connected Account at Jira alice@acme.example ${saved} Expires on 4 March 2099 Test Jira Replace Jira Revoke Jira`,
  )
  expect(row('GitHub')).toMatch(/^GitHub Saved, but not checked .* Test GitHub Replace GitHub Revoke GitHub$/)
  expect(row('Notion')).toBe('Notion Not connected Connect Notion')
  expect(row('GitLab')).toMatch(/^GitLab Rejected by GitLab .* Replace GitLab Use it again GitLab Revoke GitLab$/)
  expect(row('Sentry')).toMatch(/^Sentry Expired .* Expired on 4 March 2020 Replace Sentry Revoke Sentry$/)
  expect(row('Confluence')).toMatch(
    /Needs one more field .* no value for: Personal access token\. .* Replace Confluence/,
  )
  expect(row('Linear')).toBe('Linear Revoked Connect Linear')
  expect(row('Datadog')).toMatch(/^Datadog Cannot be reached right now .* Nothing is lost; .* Revoke Datadog$/)
  expect(row('PagerDuty')).toMatch(/^PagerDuty Cannot be shown .* Revoke PagerDuty$/)
  for (const value of [PAT, GOOD_VALUES.site, 'acme.atlassian.net', MANAGE_URL]) expect(text).not.toContain(value)
})

test('an outage of the whole store is told for each service, and none reads as not connected', async () => {
  const alice = await open()
  Object.assign(server.credentials.owned, {
    status: async () => {
      throw new Error('a mistake in a backend')
    },
  })
  const { status, text } = await alice.get('/credentials')
  expect(status).toBe(200)
  expect(text).not.toContain('Not connected')
  expect(rowOf(text, 'Jira')).toMatch(/^Jira Cannot be shown/)
})

test('the last use is shown if this process knows of one of this very version', async () => {
  let used: Date | undefined = new Date('2020-01-01')
  const alice = await open({ lastUsed: () => used })
  expect(rowOf((await alice.get('/credentials')).text, 'Jira')).not.toContain('Last used')
  used = new Date()
  expect(rowOf((await alice.get('/credentials')).text, 'Jira')).toContain(`Last used on ${TODAY.format(used)}`)
  expect(rowOf((await alice.get('/credentials')).text, 'Notion')).not.toContain('Last used')
})

test('a process that cannot read values offers no test, and refuses one', async () => {
  const alice = await open({ formTierOnly: true })
  const { text } = await alice.get('/credentials')
  expect(rowOf(text, 'Jira')).toMatch(/2099 Replace Jira Revoke Jira$/)
  const forged = { 'csrf-token': accountToken(text, '/credentials/jira/connect') }
  expect((await alice.post('/credentials/jira/test', forged)).status).toBe(403)
})

test('a provider without verify offers no test', async () => {
  const { text } = await (await open({ provider: { verify: undefined } })).get('/credentials')
  expect(rowOf(text, 'Jira')).toMatch(/2099 Replace Jira Revoke Jira$/)
})

describe('the way in', () => {
  test('leads through the same sign-in as the form, and back', async () => {
    server = await startAccountServer()
    const alice = visitorOf(server)
    const { status, text, headers } = await alice.get('/credentials')
    expect([status, headingOf(text), headers['set-cookie']]).toEqual([
      200,
      'Sign in to see your credentials',
      undefined,
    ])
    expect(text).not.toContain('Jira')
    expect((await alice.signInToAccount('alice')).headers.location).toBe(`${server.baseUrl.origin}/credentials`)
    expect(headingOf((await alice.get('/credentials')).text)).toBe('Your credentials')
    expect(headingOf((await alice.get('/credentials/')).text)).toBe('Your credentials')
  })

  test('is the session of the form too, and signing out leads back here', async () => {
    server = await startAccountServer()
    const alice = visitorOf(server)
    await alice.signIn('alice', await server.ask('alice'))
    const { text } = await alice.get('/credentials')
    expect(headingOf(text)).toBe('Your credentials')
    const token = accountToken(text, '/credentials/sign-out')
    const out = await alice.post('/credentials/sign-out', { 'csrf-token': token, to: 'account' })
    expect(headingOf(out.text)).toBe('You are signed out')
    expect(out.text).toContain('<input type="hidden" name="to" value="account">')
    expect(headingOf((await alice.get('/credentials')).text)).toBe('Sign in to see your credentials')
  })

  test('is logged once for each look, and a HEAD or a prefetch as something else is none', async () => {
    const alice = await open()
    const opened = () => server.audit.events.filter(({ type }) => type === 'account.opened')
    await alice.get('/credentials')
    expect(opened()).toMatchObject([{ outcome: 'success', owner: { subject: 'alice' } }])
    const cookie = [...alice.cookies].map((pair) => pair.join('=')).join('; ')
    for (const path of ['/credentials', '/credentials/jira/revoke']) {
      const { status, text } = await server.send({ method: 'HEAD', path, headers: { cookie } })
      expect([status, text]).toEqual([200, ''])
    }
    expect((await alice.get('/credentials', { 'sec-fetch-dest': 'empty', 'sec-purpose': 'prefetch' })).status).toBe(403)
    await alice.get('/credentials/jira/revoke')
    expect(opened()).toHaveLength(1)
    expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  })
})

test('every page of somebody who is signed in leads here, and those of strangers do not', async () => {
  const alice = await open()
  const link = '<a href="/credentials">Your credentials</a>'
  const [own, foreign] = [await server.ask('alice'), await server.ask('bob')]
  for (const path of [own.entry, foreign.entry, '/credentials/jira/revoke', '/credentials/nothing/revoke']) {
    expect((await alice.get(path)).text, path).toContain(link)
  }
  expect((await visitorOf(server).get(own.entry)).text).not.toContain(link)
  expect((await alice.get('/credentials/nothing')).text).toContain('href="/credentials">Your credentials</a>')
  await alice.submit(own, GOOD_VALUES)
  const done = await alice.get(own.done)
  expect(headingOf(done.text)).toBe('Jira is connected')
  expect(done.text).toContain('<a class="button" href="/credentials">Your credentials</a>')
})

test('a name of a service is shown as text', async () => {
  const alice = await open({ provider: { label: '<b>Jira</b>' } })
  expect((await alice.get('/credentials')).text).toContain('<h2>&lt;b&gt;Jira&lt;/b&gt;</h2>')
})
