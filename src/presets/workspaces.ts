import { type Preset, type PresetSource, presetAt } from './preset.ts'

export const notionSource: PresetSource = {
  read: '2026-11-27',
  pages: ['https://developers.notion.com/changelog/retrieve-information-about-your-token'],
  unconfirmed: [
    'the prefixes and characters of secrets',
    'the 401 for a wrong secret',
    'the address of the page for secrets',
  ],
}

const notionVariables = {
  token: {
    label: 'Integration secret',
    type: 'password',
    pattern: /(?:ntn_|secret_)[A-Za-z0-9]{20,100}/,
    hint: 'Begins with ntn_ or secret_',
  },
} as const

/**
 * Secrets of internal integrations of Notion.
 *
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { notion } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...notion() })
 * ```
 */
export function notion(): Preset<typeof notionVariables> {
  return presetAt(
    {
      name: 'notion',
      label: 'Notion',
      variables: notionVariables,
      header: { scheme: 'Bearer', field: 'token' },
      check: { path: '/v1/users/me', headers: { 'notion-version': '2022-06-28' }, account: '/name' },
      page: 'Integrations',
      guide: `Open {page}, choose **New integration** of the type **Internal**, and copy its secret.

* Choose only the capabilities that the tools need.
* Add the integration to each page that the tools may use: **Connections** in the menu of the page.`,
    },
    'https://api.notion.com',
    'https://www.notion.so/profile/integrations',
  )
}

export const slackSource: PresetSource = {
  read: '2026-11-27',
  pages: [
    'https://docs.slack.dev/reference/methods/auth.test.md',
    'https://github.com/aki017/slack-api-docs/blob/master/methods/auth.revoke.json',
  ],
  unconfirmed: [
    'the errors `token_expired` and `not_allowed_token_type`',
    'the characters of tokens',
    'the address of the page for tokens',
  ],
}

const slackVariables = {
  token: {
    label: 'User or bot token',
    type: 'password',
    pattern: /xox[bp]-[A-Za-z0-9-]{10,250}/,
    hint: 'Begins with xoxp- or xoxb-',
  },
} as const

/** Errors of `auth.test` that are about the token. Others, such as `internal_error`, say nothing about it. */
const SLACK_REFUSALS = [
  'invalid_auth',
  'not_authed',
  'account_inactive',
  'token_revoked',
  'token_expired',
  'not_allowed_token_type',
]

/**
 * User and bot tokens of Slack.
 *
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { slack } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...slack() })
 * ```
 */
export function slack(): Preset<typeof slackVariables> {
  const preset = presetAt(
    {
      name: 'slack',
      label: 'Slack',
      variables: slackVariables,
      header: { scheme: 'Bearer', field: 'token' },
      // Slack answers 200 to a wrong token, too.
      check: {
        path: '/api/auth.test',
        json: {},
        account: '/user',
        refuse: { '/error': SLACK_REFUSALS },
        expect: { '/ok': true },
      },
      page: 'Your apps',
      guide: `Open {page}, choose the app of your workspace, and copy a token from **OAuth & Permissions**.

* A token that begins with \`xoxp-\` acts as you, one that begins with \`xoxb-\` as the app.
* The app needs the scopes that the tools use, such as \`channels:read\`.`,
    },
    'https://slack.com',
    'https://api.slack.com/apps',
  )
  return { ...preset, rejectedWhen: rejectsSlackToken }
}

/** Longest answer that is searched for an error, in bytes. Slack's errors are a few hundred bytes long. */
const MAX_SLACK_ERROR = 4096

/** Slack answers 200 to a dead token, with the reason in its body. */
async function rejectsSlackToken(answer: Response): Promise<boolean> {
  if (answer.status === 401) return true
  if (answer.status !== 200 || Number(answer.headers.get('content-length') ?? 0) > MAX_SLACK_ERROR) return false
  const body = await shortJson(answer)
  if (typeof body !== 'object' || body === null || !('ok' in body) || !('error' in body)) return false
  return body.ok === false && SLACK_REFUSALS.some((refusal) => refusal === body.error)
}

/** Reads no further than the longest error, because the tool waits for it. Returns undefined for an answer that is longer, or no JSON. */
async function shortJson({ body }: Response): Promise<unknown> {
  const reader = body?.getReader()
  if (!reader) return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      size += read.value.byteLength
      if (size > MAX_SLACK_ERROR) return undefined
      chunks.push(read.value)
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  } finally {
    // Of a copy, this ends only once the answer itself has been read.
    void reader.cancel().catch(() => undefined)
  }
}

export const linearSource: PresetSource = {
  read: '2026-11-27',
  pages: ['https://linear.app/api', 'https://tessl.io/registry/tessl/npm-linear--sdk/files/docs/core-client.md'],
  unconfirmed: ['the status and the error code for a wrong key', 'the characters of keys'],
}

const linearVariables = {
  key: {
    label: 'Personal API key',
    type: 'password',
    pattern: /lin_api_[A-Za-z0-9]{20,100}/,
    hint: 'Begins with lin_api_',
  },
} as const

/**
 * Personal API keys of Linear.
 *
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * import { linear } from 'mcp-credential-vault/presets'
 *
 * const provider = new CredentialsProvider({ ...linear() })
 * ```
 */
export function linear(): Preset<typeof linearVariables> {
  return presetAt(
    {
      name: 'linear',
      label: 'Linear',
      variables: linearVariables,
      header: { name: 'Authorization', field: 'key' },
      check: {
        path: '/graphql',
        json: { query: '{ viewer { name __typename } }' },
        account: '/data/viewer/name',
        expect: { '/data/viewer/__typename': 'User' },
        refuse: { '/errors/0/extensions/code': ['AUTHENTICATION_ERROR'] },
      },
      page: 'Security & access',
      guide: `Open {page} in the settings of your account and choose **New API key** under **Personal API keys**.

* Choose **Only select permissions…** and the permissions that the tools need, such as **Read**.`,
    },
    'https://api.linear.app',
    'https://linear.app/settings/account/security',
  )
}
