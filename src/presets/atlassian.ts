import { type PresetSource, type SitePreset, sitePreset } from './preset.ts'

const CLOUD_TOKENS = 'https://id.atlassian.com/manage-profile/security/api-tokens'
const CLOUD_GUIDE = `Open {page} and choose **Create API token**, the one without scopes: it works at your site's own address.

* Set an expiration date.
* The token can do what you can do.`
const DATA_CENTER_GUIDE = `Open {page} and choose **Create token**.

* Set an expiry date.
* The token can do what you can do.`

const cloudVariables = {
  email: { label: 'Email of your Atlassian account' },
  token: { label: 'API token', type: 'password' },
} as const
const cloudHeader = { scheme: 'Basic', user: { field: 'email' }, password: { field: 'token' } } as const
const dataCenterVariables = { token: { label: 'Personal access token', type: 'password' } } as const
const dataCenterHeader = { scheme: 'Bearer', field: 'token' } as const

export const jiraCloudSource: PresetSource = {
  read: '2026-11-27',
  pages: ['https://mrrefactoring.github.io/jira.js/api/functions/cloud.getCurrentUser'],
  unconfirmed: [
    'that tokens without scopes work at the site’s address',
    'the 401 for a wrong token',
    'the address of the page for tokens',
  ],
}

/**
 * API tokens of Jira Cloud, at `baseUrl`, e.g. `https://acme.atlassian.net`, or at the site that each user enters.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { jiraCloud } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...jiraCloud({ baseUrl: 'https://acme.atlassian.net' }) })
 * ```
 */
export const jiraCloud: SitePreset<typeof cloudVariables> = sitePreset({
  name: 'jira',
  label: 'Jira',
  variables: cloudVariables,
  header: cloudHeader,
  check: { path: '/rest/api/3/myself', account: '/displayName' },
  page: 'API tokens',
  manage: CLOUD_TOKENS,
  exampleSite: 'https://acme.atlassian.net',
  guide: CLOUD_GUIDE,
})

export const jiraDataCenterSource: PresetSource = {
  read: '2026-11-27',
  pages: [
    'https://support.atlassian.com/jira/kb/creating-cookie-based-authentication-for-rest-api-using-pat-tokens',
    'https://mrrefactoring.github.io/jira.js/api/functions/server.getCurrentUser.html',
  ],
  unconfirmed: ['the address of the page for tokens'],
}

/**
 * Personal access tokens of Jira Data Center 8.14 or later, at `baseUrl` or at the address that each user enters.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { jiraDataCenter } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...jiraDataCenter({ baseUrl: 'https://jira.example.com' }) })
 * ```
 */
export const jiraDataCenter: SitePreset<typeof dataCenterVariables> = sitePreset({
  name: 'jira',
  label: 'Jira',
  variables: dataCenterVariables,
  header: dataCenterHeader,
  check: { path: '/rest/api/2/myself', account: '/displayName' },
  page: 'Personal Access Tokens',
  manage: '/secure/ViewProfile.jspa?selectedTab=com.atlassian.pats.pats-plugin:jira-user-personal-access-tokens',
  exampleSite: 'https://jira.example.com',
  guide: DATA_CENTER_GUIDE,
})

export const confluenceCloudSource: PresetSource = {
  read: '2026-11-27',
  pages: [
    'https://developer.atlassian.com/cloud/confluence/rest/v1/intro',
    'https://psmodule.io/Confluence/Functions/Users/Get-ConfluenceCurrentUser/',
  ],
  unconfirmed: [
    'that an anonymous user has the type `anonymous`',
    'the 401 for a wrong token',
    'the address of the page for tokens',
  ],
}

/** Who calls without a good token is `anonymous` where a site is open to the public. */
const notAnonymous = { account: '/displayName', refuse: { '/type': ['anonymous'] } } as const

/**
 * API tokens of Confluence Cloud, at `baseUrl`, e.g. `https://acme.atlassian.net`, or at the site that each user enters.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { confluenceCloud } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...confluenceCloud({ baseUrl: 'https://acme.atlassian.net' }) })
 * ```
 */
export const confluenceCloud: SitePreset<typeof cloudVariables> = sitePreset({
  name: 'confluence',
  label: 'Confluence',
  variables: cloudVariables,
  header: cloudHeader,
  check: { path: '/wiki/rest/api/user/current', ...notAnonymous },
  page: 'API tokens',
  manage: CLOUD_TOKENS,
  exampleSite: 'https://acme.atlassian.net',
  guide: CLOUD_GUIDE,
})

export const confluenceDataCenterSource: PresetSource = {
  read: '2026-11-27',
  pages: [
    'https://developer.atlassian.com/server/confluence/rest/v910/api-group-user',
    'https://gitlab.com/gitlab-org/gitlab/-/issues/296989',
  ],
  unconfirmed: [
    'the fields of `user/current`',
    'that an anonymous user has the type `anonymous`',
    'the address of the page for tokens',
  ],
}

/**
 * Personal access tokens of Confluence Data Center 7.9 or later, at `baseUrl` or at the address that each user enters.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { confluenceDataCenter } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...confluenceDataCenter({ baseUrl: 'https://confluence.example.com' }) })
 * ```
 */
export const confluenceDataCenter: SitePreset<typeof dataCenterVariables> = sitePreset({
  name: 'confluence',
  label: 'Confluence',
  variables: dataCenterVariables,
  header: dataCenterHeader,
  check: { path: '/rest/api/user/current', ...notAnonymous },
  page: 'Personal Access Tokens',
  manage: '/plugins/personalaccesstokens/usertokens.action',
  exampleSite: 'https://confluence.example.com',
  guide: DATA_CENTER_GUIDE,
})
