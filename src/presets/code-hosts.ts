import {
  baseOf,
  type DeclaredSite,
  invalidPreset,
  type Preset,
  type PresetSource,
  presetAt,
  type Service,
  type SitePreset,
  sitePreset,
} from './preset.ts'

const githubVariables = {
  token: {
    label: 'Personal access token',
    type: 'password',
    pattern: /(?:ghp_|github_pat_)[A-Za-z0-9_]{20,255}/,
    hint: 'Begins with github_pat_ or ghp_',
  },
} as const

const githubService: Service<typeof githubVariables> = {
  name: 'github',
  label: 'GitHub',
  variables: githubVariables,
  header: { scheme: 'Bearer', field: 'token' },
  check: {
    path: '/user',
    headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
    account: '/login',
    expires: { header: 'github-authentication-token-expiration' },
  },
  page: 'Personal access tokens',
  guide: `Open {page} and choose **Fine-grained tokens**, then **Generate new token**.

* Set an expiration date, and choose only the repositories that you want to use here.
* Give it the repository permissions that the tools need, and no others.`,
}

export const githubSource: PresetSource = {
  read: '2026-11-27',
  pages: [
    'https://docs.github.com/de/rest/authentication/authenticating-to-the-rest-api?apiVersion=2022-11-28',
    'https://github.com/google/go-github/pull/2031',
  ],
  unconfirmed: [
    'the prefixes and characters of tokens',
    'the date format of the header',
    'the address of the page for tokens',
  ],
}

/**
 * Personal access tokens of GitHub, or of a GitHub Enterprise Server at `baseUrl`.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { github } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...github() })
 * ```
 */
export function github(site?: DeclaredSite): Preset<typeof githubVariables> {
  if (!site)
    return presetAt(githubService, 'https://api.github.com', 'https://github.com/settings/personal-access-tokens')
  const base = baseOf('github', site)
  return presetAt(githubService, `${base}/api/v3`, `${base}/settings/tokens`)
}

export const gitlabSource: PresetSource = {
  read: '2026-11-27',
  pages: [
    'https://docs.gitlab.com/user/profile/personal_access_tokens/',
    'https://docs.gitlab.com/review-mr-401/api/personal_access_tokens',
    'https://gitlab.com/gitlab-org/gitlab/-/issues/413969',
  ],
  unconfirmed: ['that the scope `read_api` suffices for the check', 'the address of the page for tokens'],
}

const gitlabVariables = {
  token: {
    label: 'Personal access token',
    type: 'password',
    hint: 'Begins with glpat- unless your GitLab sets another prefix',
  },
} as const

/**
 * Personal access tokens of GitLab, at `baseUrl` or at the address that each user enters. `https://gitlab.com` is such an address.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { gitlab } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...gitlab({ baseUrl: 'https://gitlab.example.com' }) })
 * ```
 */
export const gitlab: SitePreset<typeof gitlabVariables> = sitePreset({
  name: 'gitlab',
  label: 'GitLab',
  variables: gitlabVariables,
  header: { name: 'PRIVATE-TOKEN', field: 'token' },
  check: { path: '/api/v4/personal_access_tokens/self', expires: '/expires_at', expect: { '/active': true } },
  page: 'Personal access tokens',
  manage: '/-/user_settings/personal_access_tokens',
  exampleSite: 'https://gitlab.example.com',
  guide: `Open {page} and choose **Add new token**.

* Set an expiration date.
* Choose the scope \`read_api\` to read, or \`api\` to read and change.`,
})

export const bitbucketSource: PresetSource = {
  read: '2026-11-27',
  pages: [
    'https://support.atlassian.com/bitbucket-cloud/docs/api-token-permissions',
    'https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/',
    'https://support.atlassian.com/bitbucket-cloud/kb/this-api-is-not-accessible-by-this-authentication-mechanism',
  ],
  unconfirmed: ['the address of the page for tokens'],
}

const bitbucketVariables = {
  email: { label: 'Email of your Atlassian account' },
  token: { label: 'API token', type: 'password' },
} as const

/**
 * API tokens of Bitbucket Cloud.
 *
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { bitbucket } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...bitbucket() })
 * ```
 */
export function bitbucket(): Preset<typeof bitbucketVariables> {
  return presetAt(
    {
      name: 'bitbucket',
      label: 'Bitbucket',
      variables: bitbucketVariables,
      header: { scheme: 'Basic', user: { field: 'email' }, password: { field: 'token' } },
      check: { path: '/user', account: '/display_name' },
      page: 'API tokens',
      guide: `Open {page} and choose **Create API token with scopes**, then the app **Bitbucket**.

* Set an expiration date.
* Choose \`read:user:bitbucket\`, by which the token is checked here, and the scopes that the tools need, such as
  \`read:repository:bitbucket\`.`,
    },
    'https://api.bitbucket.org/2.0',
    'https://id.atlassian.com/manage-profile/security/api-tokens',
  )
}

export const azureDevOpsSource: PresetSource = {
  read: '2026-11-27',
  pages: ['https://learn.microsoft.com/en-us/vsts/integrate/get-started/rest/samples?view=vsts'],
  unconfirmed: [
    'the fields of `connectionData`',
    'the 203 for a wrong token',
    'the name of an anonymous user',
    'the address of the page for tokens',
  ],
}

const azureDevOpsVariables = { token: { label: 'Personal access token', type: 'password' } } as const
const SIGN_IN = 'Check that it was copied completely, has not expired, and is for this organization.'

/**
 * Personal access tokens of Azure DevOps Services, for one organization.
 *
 * @param place.organization its name, as in `https://dev.azure.com/<organization>`
 * @throws `configuration_invalid` when it is no such name
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { azureDevOps } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...azureDevOps({ organization: 'acme' }) })
 * ```
 */
export function azureDevOps(place: { readonly organization: string }): Preset<typeof azureDevOpsVariables> {
  const { organization } = place
  if (!/^[A-Za-z0-9][A-Za-z0-9-]{0,49}$/.test(organization))
    throw invalidPreset(
      'azureDevOps needs organization: letters, digits and hyphens, as in https://dev.azure.com/<organization>',
    )
  const api = `https://dev.azure.com/${organization}`
  return presetAt(
    {
      name: 'azure-devops',
      label: 'Azure DevOps',
      variables: azureDevOpsVariables,
      header: { scheme: 'Basic', user: { value: '' }, password: { field: 'token' } },
      check: {
        path: '/_apis/connectionData',
        account: '/authenticatedUser/providerDisplayName',
        refuse: { '/authenticatedUser/providerDisplayName': ['Anonymous'] },
        // It answers a wrong token with the page to sign in.
        problems: { 203: SIGN_IN, 401: SIGN_IN },
      },
      page: 'Personal access tokens',
      guide: `Open {page} and choose **New Token**.

* Choose the organization **${organization}** and an expiration date.
* Choose **Custom defined** and the scopes that the tools need, such as **Work Items: Read** or **Code: Read**.`,
    },
    api,
    `${api}/_usersSettings/tokens`,
  )
}
