import type { SecretsManager } from '@aws-sdk/client-secrets-manager'
import type { StorageKey } from '../../src/core/model/storage-key.ts'
import type { OpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import type { VaultProxy } from '../harness/hashicorp-vault/vault-proxy.ts'

/** What a store's administrators can read. */
export interface Held {
  /** All of it: every version of every secret, with names and labels. */
  all(): Promise<string>
  /** The fields of the newest version. */
  fields(key: StorageKey): Promise<Readonly<Record<string, string>>>
}

interface VaultPlace {
  readonly bao: OpenBao
  readonly proxy: Pick<VaultProxy, 'requests'>
  readonly mount: string
}

/** Also holds what was sent to the store meanwhile. */
export function heldByVault({ bao: { api }, proxy, mount }: VaultPlace): Held {
  async function* paths(folder = ''): AsyncGenerator<string> {
    const { body } = await api('LIST', `${mount}/metadata/${folder}`)
    for (const name of (body?.data?.keys ?? []) as readonly string[]) {
      if (name.endsWith('/')) yield* paths(`${folder}${name}`)
      else yield `${folder}${name}`
    }
  }
  return {
    async all() {
      const sent = proxy.requests.splice(0).map(({ method, url, body }) => `${method} ${url}\n${body}`)
      const texts: string[] = []
      for await (const path of paths()) {
        const { body } = await api('GET', `${mount}/metadata/${path}`)
        texts.push(path, JSON.stringify(body))
        for (const version of Object.keys(body.data.versions))
          texts.push(JSON.stringify((await api('GET', `${mount}/data/${path}?version=${version}`)).body))
      }
      return [...sent, ...texts].join('\n')
    },
    fields: async ({ path }) => (await api('GET', `${mount}/data/mcp/${path}`)).body.data.data,
  }
}

export function heldByAws(administrator: SecretsManager, prefix: string): Held {
  return {
    async all() {
      const Filters = [{ Key: 'name' as const, Values: [`${prefix}/`] }]
      const list = { Filters, IncludePlannedDeletion: true, MaxResults: 100 }
      const { SecretList = [] } = await administrator.listSecrets(list)
      const texts = [JSON.stringify(SecretList)]
      for (const { Name: SecretId, DeletedDate } of SecretList) {
        const versions = await administrator.listSecretVersionIds({ SecretId, IncludeDeprecated: true })
        texts.push(JSON.stringify(versions))
        // Nobody can read a value of a secret that is to be deleted, as a revoked one is.
        if (DeletedDate) continue
        for (const { VersionId } of versions.Versions ?? []) {
          const { SecretString = '', ...described } = await administrator.getSecretValue({ SecretId, VersionId })
          // As it is: inside JSON everything in it would be escaped once more.
          texts.push(SecretString, JSON.stringify(described))
        }
      }
      return texts.join('\n')
    },
    async fields({ path }) {
      const { SecretString = '{}' } = await administrator.getSecretValue({ SecretId: `${prefix}/${path}.cred` })
      return JSON.parse(SecretString) as Record<string, string>
    },
  }
}
