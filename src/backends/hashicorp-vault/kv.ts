import { CredentialVaultError } from '../../core/model/errors.ts'
import type {
  BackendCall,
  CredentialLookup,
  RightsReport,
  StoredVersion,
  Tier,
} from '../../core/ports/secret-backend.ts'
import { type HashicorpVaultClient, isCasLost } from './hashicorp-client.ts'
import { versionLabelsOf } from './labels.ts'
import { type KvMetadata, metadataOf, notUnderstood, versionOf } from './metadata.ts'
import { rightsOf } from './rights.ts'
import { objectAt } from './transport/exchange.ts'

/** The operations of a KV version 2 secrets engine. Paths are below the mount. */
export interface Kv {
  /** Returns `1` or `2`, or undefined for another kind of engine and when only the first part of the path is a mount. */
  version(call: BackendCall): Promise<string | undefined>
  read(path: string, call: BackendCall): Promise<CredentialLookup>
  metadata(path: string, call: BackendCall): Promise<KvMetadata | undefined>
  /** Returns the field names of the newest version, or undefined when the policy or the product hides them. */
  fields(path: string, call: BackendCall): Promise<readonly string[] | undefined>
  /** Returns undefined when `current` is no longer the newest version. */
  write(
    path: string,
    values: Readonly<Record<string, string>>,
    current: number,
    call: BackendCall,
  ): Promise<StoredVersion | undefined>
  label(path: string, labels: Readonly<Record<string, string | null>>, call: BackendCall): Promise<void>
  destroy(path: string, versions: readonly number[], call: BackendCall): Promise<void>
  purge(path: string, call: BackendCall): Promise<void>
  rights(
    place: { readonly prefix: string; readonly path: string; readonly tier: Tier },
    call: BackendCall,
  ): Promise<RightsReport>
  /** Lists the names directly below; a folder's name ends in a slash. */
  names(folder: string, call: BackendCall): Promise<readonly string[]>
}

export function createKv(mount: string, client: HashicorpVaultClient): Kv {
  return {
    async version(call) {
      const answer = await client({ method: 'GET', path: `sys/internal/ui/mounts/${mount}` }, call)
      const data = objectAt(answer.body, 'data')
      if (data?.['path'] !== `${mount}/`) return undefined
      if (data?.['type'] !== 'kv' && data?.['type'] !== 'generic') return undefined
      const version = objectAt(data, 'options')?.['version']
      return typeof version === 'string' ? version : '1'
    },

    async read(path, call) {
      const answer = await client({ method: 'GET', path: `${mount}/data/${path}` }, call)
      const metadata = objectAt(answer.body, 'data', 'metadata')
      const version = versionOf(Number(metadata?.['version']), metadata, answer)
      if (!version) {
        if (answer.status === 404) return { status: 'absent' }
        throw notUnderstood()
      }
      if (answer.status === 404) return { status: 'revoked', version: version.stored }
      const values = objectAt(answer.body, 'data', 'data')
      if (!values) throw notUnderstood()
      const labels = versionLabelsOf(objectAt(metadata, 'custom_metadata'), version.number)
      return { status: 'active', version: version.stored, values, labels }
    },

    async metadata(path, call) {
      return metadataOf(await client({ method: 'GET', path: `${mount}/metadata/${path}` }, call))
    },

    async fields(path, call) {
      try {
        const answer = await client({ method: 'GET', path: `${mount}/subkeys/${path}?depth=1` }, call)
        const subkeys = objectAt(answer.body, 'data', 'subkeys')
        return subkeys && Object.keys(subkeys)
      } catch (error) {
        if (error instanceof CredentialVaultError && ['forbidden', 'configuration_invalid'].includes(error.code))
          return undefined
        throw error
      }
    },

    async write(path, values, current, call) {
      const body = { options: { cas: current }, data: values }
      const answer = await client({ method: 'POST', path: `${mount}/data/${path}`, body }, call)
      if (isCasLost(answer)) return undefined
      const data = objectAt(answer.body, 'data')
      const version = versionOf(Number(data?.['version']), data, answer)
      if (!version) throw notUnderstood()
      return version.stored
    },

    async label(path, labels, call) {
      await client({ method: 'PATCH', path: `${mount}/metadata/${path}`, body: { custom_metadata: labels } }, call)
    },

    async destroy(path, versions, call) {
      await client({ method: 'PUT', path: `${mount}/destroy/${path}`, body: { versions } }, call)
    },

    async purge(path, call) {
      await client({ method: 'DELETE', path: `${mount}/metadata/${path}` }, call)
    },

    rights: (place, call) => rightsOf(client, { ...place, mount }, call),

    async names(folder, call) {
      const answer = await client({ method: 'GET', path: `${mount}/metadata/${folder}/?list=true` }, call)
      const names = objectAt(answer.body, 'data')?.['keys']
      if (answer.status === 404) return []
      if (!Array.isArray(names)) throw notUnderstood()
      return names.filter((name) => typeof name === 'string')
    },
  }
}
