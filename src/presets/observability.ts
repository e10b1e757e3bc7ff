import { invalidPreset, type Preset, type PresetSource, presetAt, type SitePreset, sitePreset } from './preset.ts'

export const grafanaSource: PresetSource = {
  read: '2026-11-27',
  pages: ['https://grafana.com/docs/grafana/v13.3/developer-resources/api-reference/http-api/authentication/'],
  unconfirmed: [
    'that the role Viewer may read `/api/org`',
    'the prefix of tokens',
    'the address of the page for tokens',
  ],
}

const grafanaVariables = {
  token: { label: 'Service account token', type: 'password', hint: 'Begins with glsa_' },
} as const

/**
 * Service account tokens of Grafana, at `baseUrl` or at the address that each user enters.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { grafana } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...grafana({ baseUrl: 'https://acme.grafana.net' }) })
 * ```
 */
export const grafana: SitePreset<typeof grafanaVariables> = sitePreset({
  name: 'grafana',
  label: 'Grafana',
  variables: grafanaVariables,
  header: { scheme: 'Bearer', field: 'token' },
  // Service accounts have no user of their own, so the name is that of the organization.
  check: { path: '/api/org', account: '/name' },
  page: 'Service accounts',
  manage: '/org/serviceaccounts',
  exampleSite: 'https://acme.grafana.net',
  guide: `Open {page}, choose or add your service account, and choose **Add service account token**.

* Set an expiration date.
* The role **Viewer** is enough to read.`,
})

export const sentrySource: PresetSource = {
  read: '2026-11-27',
  pages: [
    'https://docs.sentry.io/api/auth',
    'https://docs.sentry.io/api/users/retrieve-the-current-credentials/',
    'https://mintlify.com/getsentry/sentry/api/authentication',
  ],
  unconfirmed: ['the 401 for a wrong token', 'the address of the page for tokens'],
}

const sentryVariables = {
  token: {
    label: 'Personal token',
    type: 'password',
    hint: 'Begins with sntryu_. Tokens of an organization do not work here',
  },
} as const

/**
 * Personal tokens of Sentry, at `baseUrl`, e.g. `https://sentry.io`, or at the address that each user enters.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { sentry } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...sentry({ baseUrl: 'https://sentry.example.com' }) })
 * ```
 */
export const sentry: SitePreset<typeof sentryVariables> = sitePreset({
  name: 'sentry',
  label: 'Sentry',
  variables: sentryVariables,
  header: { scheme: 'Bearer', field: 'token' },
  check: { path: '/api/0/', account: '/user/name', refuse: { '/user': [null] } },
  page: 'Personal Tokens',
  manage: '/settings/account/api/auth-tokens/',
  exampleSite: 'https://sentry.example.com',
  guide: `Open {page} and choose **Create New Token**.

* Give it the permissions that the tools need, such as **Issue & Event: Read** and **Organization: Read**.`,
})

export const datadogSource: PresetSource = {
  read: '2026-11-27',
  pages: ['https://docs.datadoghq.com/api/latest/key-management/validate-api-and-application-keys/'],
  unconfirmed: ['the characters of API keys', 'the addresses of the pages for keys'],
}

/** The sites of Datadog, each with the address of its application. */
const DATADOG_SITES = {
  'datadoghq.com': 'https://app.datadoghq.com',
  'us3.datadoghq.com': 'https://us3.datadoghq.com',
  'us5.datadoghq.com': 'https://us5.datadoghq.com',
  'datadoghq.eu': 'https://app.datadoghq.eu',
  'ap1.datadoghq.com': 'https://ap1.datadoghq.com',
  'ap2.datadoghq.com': 'https://ap2.datadoghq.com',
  'uk1.datadoghq.com': 'https://uk1.datadoghq.com',
  'ddog-gov.com': 'https://app.ddog-gov.com',
  'us2.ddog-gov.com': 'https://us2.ddog-gov.com',
} as const

/** A site of Datadog, as its documentation calls `DD_SITE`. */
export type DatadogSite = keyof typeof DATADOG_SITES

const datadogVariables = {
  api_key: { label: 'API key', type: 'password', pattern: /[0-9a-f]{32}/, hint: '32 characters' },
  application_key: { label: 'Application key', type: 'password' },
} as const
const datadogProblem =
  'Check that both keys were copied completely, belong to this Datadog site, and have not been revoked.'

/**
 * API key and application key of Datadog. Both go to the API of one site. Default `datadoghq.com`.
 *
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { datadog } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...datadog({ site: 'datadoghq.eu' }) })
 * ```
 */
export function datadog({
  site = 'datadoghq.com',
}: {
  readonly site?: DatadogSite
} = {}): Preset<typeof datadogVariables> {
  if (!Object.hasOwn(DATADOG_SITES, site))
    throw invalidPreset(`datadog needs site: one of ${Object.keys(DATADOG_SITES).join(', ')}`)
  return presetAt(
    {
      name: 'datadog',
      label: 'Datadog',
      variables: datadogVariables,
      header: [
        { name: 'DD-API-KEY', field: 'api_key' },
        { name: 'DD-APPLICATION-KEY', field: 'application_key' },
      ],
      check: {
        path: '/api/v2/validate_keys',
        expect: { '/status': 'ok' },
        problems: { 401: datadogProblem, 403: datadogProblem },
      },
      page: 'Application Keys',
      guide: `Open {page} and choose **New Key**. Copy an API key from **Organization Settings > API Keys**.

* Choose scopes for the application key; without any, it can do what you can do.`,
    },
    `https://api.${site}`,
    `${DATADOG_SITES[site]}/personal-settings/application-keys`,
  )
}

export const pagerdutySource: PresetSource = {
  read: '2026-11-27',
  pages: ['https://raw.githubusercontent.com/PagerDuty/developer-docs/main/docs/REST-API/01-Overview.md'],
  unconfirmed: [
    'the form of the header',
    'the fields of `/users/me`',
    'the 400 for a key of the account',
    'the address of the API in the EU',
  ],
}

const pagerdutyVariables = { token: { label: 'API user token', type: 'password' } } as const

/**
 * User tokens of PagerDuty, in the service region `us` or `eu`. Default `us`.
 *
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { pagerduty } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...pagerduty() })
 * ```
 */
export function pagerduty({
  region = 'us',
}: {
  readonly region?: 'us' | 'eu'
} = {}): Preset<typeof pagerdutyVariables> {
  return presetAt(
    {
      name: 'pagerduty',
      label: 'PagerDuty',
      variables: pagerdutyVariables,
      header: { name: 'Authorization', field: 'token', prefix: 'Token token=' },
      check: {
        path: '/users/me',
        headers: { accept: 'application/vnd.pagerduty+json;version=2' },
        account: '/user/name',
        problems: { 400: 'This is a key of the whole account. Enter a user token of your own.' },
      },
      page: 'My Profile > User Settings',
      guide: `Open {page} in PagerDuty and choose **Create API User Token** under **API Access**.

* The token can do what you can do.`,
    },
    region === 'eu' ? 'https://api.eu.pagerduty.com' : 'https://api.pagerduty.com',
  )
}
