import { type PresetSource, type SitePreset, sitePreset } from './preset.ts'

export const jenkinsSource: PresetSource = {
  read: '2026-11-27',
  pages: ['https://jenkins.io/doc/book/system-administration/authenticating-scripted-clients'],
  unconfirmed: ['the fields of `/me/api/json`', 'the address of the page for tokens'],
}

const jenkinsVariables = {
  user: { label: 'User ID', hint: 'Your user ID in Jenkins, not your full name' },
  token: { label: 'API token', type: 'password' },
} as const

/**
 * API tokens of Jenkins, at `baseUrl` or at the address that each user enters.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { jenkins } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...jenkins({ baseUrl: 'https://jenkins.example.com' }) })
 * ```
 */
export const jenkins: SitePreset<typeof jenkinsVariables> = sitePreset({
  name: 'jenkins',
  label: 'Jenkins',
  variables: jenkinsVariables,
  header: { scheme: 'Basic', user: { field: 'user' }, password: { field: 'token' } },
  check: {
    path: '/me/api/json?tree=id,fullName',
    account: '/fullName',
    // It answers 403 where others answer 401.
    problems: { 403: 'Check the user ID, and that the token was copied completely and has not been revoked.' },
  },
  page: 'Security',
  manage: '/me/security/',
  exampleSite: 'https://jenkins.example.com',
  guide: `Open {page} in your Jenkins profile and choose **Add new Token** under **API Token**.

* The token can do what you can do.`,
})

export const artifactorySource: PresetSource = {
  read: '2026-11-27',
  pages: [
    'https://jfrog.com/help/r/platform-api-key-deprecation-and-the-new-reference-tokens/how-to-get-an-identity-token-in-3-steps',
    'https://jfrog.com/help/r/jfrog-rest-apis/system-health-ping',
  ],
  unconfirmed: [
    'that a wrong token gets a 401 where anonymous access is enabled',
    'the address of the page for tokens',
  ],
}

const artifactoryVariables = {
  token: { label: 'Identity token', type: 'password', hint: 'API keys are no longer supported by JFrog' },
} as const

/**
 * Identity tokens of JFrog Artifactory, at `baseUrl` without `/artifactory`, or at the address that each user enters.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { artifactory } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...artifactory({ baseUrl: 'https://acme.jfrog.io' }) })
 * ```
 */
export const artifactory: SitePreset<typeof artifactoryVariables> = sitePreset({
  name: 'artifactory',
  label: 'Artifactory',
  variables: artifactoryVariables,
  header: { scheme: 'Bearer', field: 'token' },
  check: { path: '/artifactory/api/system/ping', headers: { accept: '*/*' } },
  page: 'Your profile',
  manage: '/ui/user_profile',
  exampleSite: 'https://acme.jfrog.io',
  guide: `Open {page} in the JFrog Platform and choose **Generate an Identity Token**.

* The token can do what you can do.`,
})

export const sonarqubeSource: PresetSource = {
  read: '2026-11-27',
  pages: [
    'https://docs.sonarsource.com/sonarqube-server/2025.2/extension-guide/web-api',
    'https://docs.aws.amazon.com/secretsmanager/latest/userguide/mes-partner-SonarQubeToken.md',
  ],
  unconfirmed: [
    'the answer of `validate` to a wrong token',
    'the date format of the header',
    'the length of tokens',
    'the address of the page for tokens',
  ],
}

const sonarqubeVariables = {
  token: {
    label: 'User token',
    type: 'password',
    pattern: /squ_[0-9a-f]{40}/,
    hint: 'Begins with squ_. Tokens for analyses begin with sqa_ or sqp_ and do not work here',
  },
} as const

/**
 * User tokens of SonarQube Server 10 or later, at `baseUrl` or at the address that each user enters.
 *
 * @throws `configuration_invalid` if `baseUrl` is not an https address
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { sonarqube } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...sonarqube({ baseUrl: 'https://sonarqube.example.com' }) })
 * ```
 */
export const sonarqube: SitePreset<typeof sonarqubeVariables> = sitePreset({
  name: 'sonarqube',
  label: 'SonarQube',
  variables: sonarqubeVariables,
  header: { scheme: 'Bearer', field: 'token' },
  check: {
    path: '/api/authentication/validate',
    refuse: { '/valid': [false] },
    expect: { '/valid': true },
    expires: { header: 'SonarQube-Authentication-Token-Expiration' },
  },
  page: 'My Account > Security',
  manage: '/account/security',
  exampleSite: 'https://sonarqube.example.com',
  guide: `Open {page} and generate a token of the type **User Token** with an expiration date.

* The token can do what you can do.`,
})
