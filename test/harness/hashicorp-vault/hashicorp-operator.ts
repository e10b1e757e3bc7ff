import { type NameStyle, vendorName } from '../../../src/backends/vendor/vendor-name.ts'
import type { StorageKey } from '../../../src/core/model/storage-key.ts'
import type { VendorOperator } from '../../../src/testing/secret-backend/harness.ts'
import type { OpenBao } from './open-bao.ts'

/** An operator at Vault's own API, as `vault kv` uses it. */
export function hashicorpOperator(
  { api }: Pick<OpenBao, 'api'>,
  mount: string,
  prefix = 'mcp',
  names: NameStyle = 'readable',
): VendorOperator {
  const at = (engine: string, key: StorageKey) => `${mount}/${engine}/${prefix}/${vendorName(key, names).path}`
  const versions = async (key: StorageKey) => {
    const { body } = await api('GET', at('metadata', key))
    return { current: Number(body.data.current_version), all: Object.keys(body.data.versions).map(Number) }
  }
  return {
    put: async (key, fields) => void (await api('POST', at('data', key), { data: fields })),
    remove: async (key) => void (await api('DELETE', at('data', key))),
    restore: async (key) =>
      void (await api('POST', at('undelete', key), { versions: [(await versions(key)).current] })),
    destroy: async (key) => void (await api('PUT', at('destroy', key), { versions: [(await versions(key)).current] })),
    // As `vault kv rollback` does: the earlier data are written anew.
    async rollBack(key) {
      const { current } = await versions(key)
      const { body } = await api('GET', `${at('data', key)}?version=${current - 1}`)
      await api('POST', at('data', key), { data: body.data.data })
    },
    purge: async (key) => void (await api('DELETE', at('metadata', key))),
  }
}
