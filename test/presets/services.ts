import type { Preset } from '../../src/presets/index.ts'
import * as presets from '../../src/presets/index.ts'

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** One service, as its vendor's documentation describes it. */
export interface DocumentedService {
  readonly preset: Pick<Preset, keyof Preset>
  /** As on docs/presets.md. */
  readonly call: string
  readonly values: Readonly<Record<string, string>>
  readonly request: {
    readonly method?: string
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
  }
  readonly accepts: Answer
  readonly refuses: readonly Answer[]
  readonly account?: string
  readonly hasEnd?: boolean
}

const day = 86_400_000
/** Midnight in some weeks: an end that every format can write. */
export const END = new Date(Math.floor(Date.now() / day) * day + 40 * day)
const endDate = END.toISOString().slice(0, 10)

const baseUrl = 'https://service.example.com'
const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const TOKEN = 'token-0123456789abcdef'
const token = { token: TOKEN }
const bearer = { authorization: `Bearer ${TOKEN}` }
const atlassian = { email: 'alice@example.com', token: TOKEN }
const atlassianBasic = { authorization: basic('alice@example.com', TOKEN) }
const refuses = [{ status: 401, body: { message: 'Unauthorized' } }]
const anonymous = { status: 200, body: { type: 'anonymous', displayName: 'Anonymous' } }
const github = `github_pat_${'a1B2'.repeat(20)}`
const sonar = `squ_${'0a1b'.repeat(10)}`
const notion = `ntn_${'a1B2'.repeat(11)}`
const slack = 'xoxp-1234567890-abcdefABCDEF'
const linear = `lin_api_${'a1B2'.repeat(10)}`
const apiKey = '0123456789abcdef'.repeat(2)

export const SERVICES: Readonly<Record<string, DocumentedService>> = {
  github: {
    preset: presets.github(),
    call: '`github()`, `github({ baseUrl })` for Enterprise Server',
    values: { token: github },
    request: { url: '/user', headers: { authorization: `Bearer ${github}`, 'x-github-api-version': '2022-11-28' } },
    accepts: {
      status: 200,
      headers: { 'github-authentication-token-expiration': `${endDate} 00:00:00 UTC` },
      body: { login: 'octocat', id: 1, name: null },
    },
    refuses: [{ status: 401, body: { message: 'Bad credentials' } }],
    account: 'octocat',
    hasEnd: true,
  },
  gitlab: {
    preset: presets.gitlab({ baseUrl }),
    call: '`gitlab({ baseUrl })`',
    values: token,
    request: { url: '/api/v4/personal_access_tokens/self', headers: { 'private-token': TOKEN } },
    accepts: {
      status: 200,
      body: {
        id: 4,
        name: 'Test Token',
        revoked: false,
        scopes: ['api'],
        user_id: 24,
        active: true,
        expires_at: endDate,
      },
    },
    refuses: [{ status: 401, body: { message: '401 Unauthorized' } }],
    hasEnd: true,
  },
  bitbucket: {
    preset: presets.bitbucket(),
    call: '`bitbucket()`',
    values: atlassian,
    request: { url: '/2.0/user', headers: atlassianBasic },
    accepts: { status: 200, body: { type: 'user', display_name: 'Alice', uuid: '{1}' } },
    refuses,
    account: 'Alice',
  },
  azureDevOps: {
    preset: presets.azureDevOps({ organization: 'acme' }),
    call: '`azureDevOps({ organization })`',
    values: token,
    request: { url: '/acme/_apis/connectionData', headers: { authorization: basic('', TOKEN) } },
    accepts: { status: 200, body: { authenticatedUser: { id: '1', providerDisplayName: 'Alice' } } },
    refuses: [
      ...refuses,
      { status: 203, body: '<html>Sign in</html>' },
      { status: 200, body: { authenticatedUser: { providerDisplayName: 'Anonymous' } } },
    ],
    account: 'Alice',
  },
  jiraCloud: {
    preset: presets.jiraCloud({ baseUrl }),
    call: '`jiraCloud({ baseUrl })`',
    values: atlassian,
    request: { url: '/rest/api/3/myself', headers: atlassianBasic },
    accepts: { status: 200, body: { accountId: '5b10', displayName: 'Alice', active: true } },
    refuses,
    account: 'Alice',
  },
  jiraDataCenter: {
    preset: presets.jiraDataCenter({ baseUrl: `${baseUrl}/jira/` }),
    call: '`jiraDataCenter({ baseUrl })`',
    values: token,
    request: { url: '/jira/rest/api/2/myself', headers: bearer },
    accepts: { status: 200, body: { key: 'alice', displayName: 'Alice', active: true } },
    refuses,
    account: 'Alice',
  },
  confluenceCloud: {
    preset: presets.confluenceCloud({ baseUrl }),
    call: '`confluenceCloud({ baseUrl })`',
    values: atlassian,
    request: { url: '/wiki/rest/api/user/current', headers: atlassianBasic },
    accepts: { status: 200, body: { type: 'known', accountId: '5b10', displayName: 'Alice' } },
    refuses: [...refuses, anonymous],
    account: 'Alice',
  },
  confluenceDataCenter: {
    preset: presets.confluenceDataCenter({ baseUrl }),
    call: '`confluenceDataCenter({ baseUrl })`',
    values: token,
    request: { url: '/rest/api/user/current', headers: bearer },
    accepts: { status: 200, body: { type: 'known', username: 'alice', displayName: 'Alice' } },
    refuses: [...refuses, anonymous],
    account: 'Alice',
  },
  jenkins: {
    preset: presets.jenkins({ baseUrl }),
    call: '`jenkins({ baseUrl })`',
    values: { user: 'alice', token: TOKEN },
    request: { url: '/me/api/json?tree=id,fullName', headers: { authorization: basic('alice', TOKEN) } },
    accepts: { status: 200, body: { _class: 'hudson.model.User', fullName: 'Alice', id: 'alice' } },
    refuses: [...refuses, { status: 403 }],
    account: 'Alice',
  },
  artifactory: {
    preset: presets.artifactory({ baseUrl }),
    call: '`artifactory({ baseUrl })`',
    values: token,
    request: { url: '/artifactory/api/system/ping', headers: bearer },
    accepts: { status: 200, body: 'OK' },
    refuses,
  },
  sonarqube: {
    preset: presets.sonarqube({ baseUrl }),
    call: '`sonarqube({ baseUrl })`',
    values: { token: sonar },
    request: { url: '/api/authentication/validate', headers: { authorization: `Bearer ${sonar}` } },
    accepts: {
      status: 200,
      headers: { 'sonarqube-authentication-token-expiration': `${endDate}T00:00:00+0000` },
      body: { valid: true },
    },
    refuses: [...refuses, { status: 200, body: { valid: false } }],
    hasEnd: true,
  },
  grafana: {
    preset: presets.grafana({ baseUrl }),
    call: '`grafana({ baseUrl })`',
    values: token,
    request: { url: '/api/org', headers: bearer },
    accepts: { status: 200, body: { id: 1, name: 'Main Org.' } },
    refuses,
    account: 'Main Org.',
  },
  sentry: {
    preset: presets.sentry({ baseUrl }),
    call: '`sentry({ baseUrl })`',
    values: token,
    request: { url: '/api/0/', headers: bearer },
    accepts: {
      status: 200,
      body: { version: '0', auth: { scopes: ['org:read'] }, user: { id: '1', name: 'Jane Bloggs' } },
    },
    refuses: [...refuses, { status: 200, body: { version: '0', auth: null, user: null } }],
    account: 'Jane Bloggs',
  },
  datadog: {
    preset: presets.datadog(),
    call: '`datadog({ site })`',
    values: { api_key: apiKey, application_key: TOKEN },
    request: { url: '/api/v2/validate_keys', headers: { 'dd-api-key': apiKey, 'dd-application-key': TOKEN } },
    accepts: { status: 200, body: { status: 'ok' } },
    refuses: [...refuses, { status: 403, body: { errors: ['Forbidden'] } }],
  },
  pagerduty: {
    preset: presets.pagerduty(),
    call: '`pagerduty({ region })`',
    values: token,
    request: {
      url: '/users/me',
      headers: { authorization: `Token token=${TOKEN}`, accept: 'application/vnd.pagerduty+json;version=2' },
    },
    accepts: { status: 200, body: { user: { id: 'PXPGF42', type: 'user', name: 'Earline Greenholt' } } },
    refuses: [...refuses, { status: 400 }],
    account: 'Earline Greenholt',
  },
  notion: {
    preset: presets.notion(),
    call: '`notion()`',
    values: { token: notion },
    request: { url: '/v1/users/me', headers: { authorization: `Bearer ${notion}`, 'notion-version': '2022-06-28' } },
    accepts: { status: 200, body: { object: 'user', id: '16d8', name: 'pied piper', type: 'bot' } },
    refuses: [{ status: 401, body: { object: 'error', status: 401, code: 'unauthorized' } }],
    account: 'pied piper',
  },
  slack: {
    preset: presets.slack(),
    call: '`slack()`',
    values: { token: slack },
    request: { method: 'POST', url: '/api/auth.test', headers: { authorization: `Bearer ${slack}` } },
    accepts: { status: 200, body: { ok: true, team: 'Acme', user: 'grace', team_id: 'T1', user_id: 'W1' } },
    refuses: [
      { status: 200, body: { ok: false, error: 'invalid_auth' } },
      { status: 200, body: { ok: false, error: 'token_revoked' } },
    ],
    account: 'grace',
  },
  linear: {
    preset: presets.linear(),
    call: '`linear()`',
    values: { key: linear },
    request: { method: 'POST', url: '/graphql', headers: { authorization: linear } },
    accepts: { status: 200, body: { data: { viewer: { name: 'Alice', __typename: 'User' } } } },
    refuses: [
      { status: 401 },
      { status: 200, body: { errors: [{ message: 'x', extensions: { code: 'AUTHENTICATION_ERROR' } }] } },
    ],
    account: 'Alice',
  },
}
