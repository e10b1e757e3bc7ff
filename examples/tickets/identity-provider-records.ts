import type { Adapter, AdapterPayload } from 'oidc-provider'

interface Entry {
  readonly payload: AdapterPayload
  readonly endsAt: number
}

/** The identity provider's sessions, codes and clients, in memory. They outlive a `Provider` that is replaced to change its keys. */
export function identityProviderRecords(): (model: string) => Adapter {
  const models = new Map<string, Map<string, Entry>>()

  function recordsOf(model: string): Map<string, Entry> {
    const records = models.get(model) ?? new Map<string, Entry>()
    models.set(model, records)
    return records
  }

  return (model) => {
    const records = recordsOf(model)
    const find = (id: string) => {
      const entry = records.get(id)
      return entry !== undefined && entry.endsAt > Date.now() ? entry.payload : undefined
    }
    const findWith = (member: 'uid' | 'userCode', value: string) =>
      [...records.values()].find((entry) => entry.payload[member] === value && entry.endsAt > Date.now())?.payload
    return {
      async upsert(id, payload, expiresIn) {
        records.set(id, {
          payload,
          endsAt: expiresIn === undefined ? Number.POSITIVE_INFINITY : Date.now() + expiresIn * 1_000,
        })
      },
      find: async (id) => find(id),
      findByUid: async (uid) => findWith('uid', uid),
      findByUserCode: async (userCode) => findWith('userCode', userCode),
      async consume(id) {
        const payload = find(id)
        if (payload) payload['consumed'] = Math.floor(Date.now() / 1_000)
      },
      async destroy(id) {
        records.delete(id)
      },
      async revokeByGrantId(grantId) {
        for (const [id, entry] of records) if (entry.payload.grantId === grantId) records.delete(id)
      },
    }
  }
}
