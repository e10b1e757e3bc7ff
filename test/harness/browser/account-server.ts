import { memoryBackend } from '../../../src/backends/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { Owner } from '../../../src/core/model/owner.ts'
import { type StorageKey, storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend, WriteIntent } from '../../../src/core/ports/secret-backend.ts'
import { type FormServer, type FormServerOptions, GOOD_VALUES, startFormServer } from './form-server.ts'

/** A service of each state that a credential can be in, by the state. `active` is `jira`. */
const STATES = {
  unverified: 'GitHub',
  absent: 'Notion',
  rejected: 'GitLab',
  expired: 'Sentry',
  incomplete: 'Confluence',
  revoked: 'Linear',
  unreachable: 'Datadog',
  broken: 'PagerDuty',
} as const

export type OtherState = keyof typeof STATES

export const MANAGE_URL = 'https://id.atlassian.com/manage-profile/security/api-tokens'

export const nameOf = (state: OtherState): string => STATES[state].toLowerCase()

export interface AccountServer extends FormServer {
  /** Its methods may be replaced. */
  readonly backend: { -readonly [Method in keyof SecretBackend]: SecretBackend[Method] }
  keyOf(user: string, provider?: string): StorageKey
  /** Gives this user a credential in every state. */
  fill(user: string): Promise<void>
  save(user: string, provider?: string, labels?: WriteIntent['labels']): Promise<void>
  /** Has the service of a stored credential refuse it, as a tool call would find out. */
  reject(user: string, provider?: string): Promise<void>
}

const context = { correlationId: 'test' }

/** A form server that serves a provider for each state. */
export async function startAccountServer(
  settings: Omit<FormServerOptions, 'backend'> & { readonly backend?: SecretBackend } = {},
): Promise<AccountServer> {
  const names = Object.values(STATES)
  const backend = withOutages(settings.backend ?? memoryBackend())
  const server = await startFormServer({
    ...settings,
    provider: { manageUrl: MANAGE_URL, ...settings.provider },
    backend,
    otherProviders: [
      ...names.map((label) => ({ name: label.toLowerCase(), label, manageUrl: undefined })),
      ...(settings.otherProviders ?? []),
    ],
  })
  const { credentials } = server
  const ownerOf = (user: string): Owner => ({ issuer: server.issuer, subject: user })
  const keyOf = (user: string, provider = 'jira') => storageKey(provider, ownerOf(user))

  async function save(user: string, provider = 'jira', labels: WriteIntent['labels'] = {}): Promise<void> {
    await credentials.save(keyOf(user, provider), GOOD_VALUES, context, { labels })
  }

  async function reject(user: string, provider = 'jira'): Promise<void> {
    const key = keyOf(user, provider)
    const status = await credentials.status(key, context)
    if (status.status !== 'active') throw new Error('There is nothing to reject.')
    await credentials.rejections.settle(key, { version: status.version, status: 401 }, context)
  }

  return {
    ...server,
    backend,
    keyOf,
    save,
    reject,
    async fill(user) {
      await save(user, 'jira', { accountName: `${user}@acme.example`, expiresAt: new Date('2099-03-04T12:00:00Z') })
      await save(user, nameOf('unverified'), { unverified: true })
      await save(user, nameOf('rejected'))
      await reject(user, nameOf('rejected'))
      await save(user, nameOf('expired'), { expiresAt: new Date('2020-03-04T12:00:00Z') })
      await credentials.save(keyOf(user, nameOf('incomplete')), { site: GOOD_VALUES.site }, context)
      await save(user, nameOf('revoked'))
      await credentials.revoke(keyOf(user, nameOf('revoked')), { purge: false }, context)
    },
  }
}

function withOutages(backend: SecretBackend): SecretBackend {
  const failures: Readonly<Record<string, CredentialVaultError>> = {
    [nameOf('unreachable')]: new CredentialVaultError('unavailable', 'The store is down.', { reason: 'connection' }),
    [nameOf('broken')]: new CredentialVaultError('forbidden', 'The policy does not allow it.', { reason: 'policy' }),
  }
  return {
    ...backend,
    async stat(key, call) {
      const failure = failures[key.provider]
      if (failure) throw failure
      return backend.stat(key, call)
    },
  }
}

/** The words of one service's row, without markup. */
export function rowOf(html: string, label: string): string {
  const row = html.split('<li class="card credential').find((part) => part.includes(`<h2>${label}</h2>`)) ?? ''
  return (row.slice(row.indexOf('>') + 1).split('</li>')[0] ?? '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}
