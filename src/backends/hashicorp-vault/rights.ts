import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { BackendCall, RightsReport, Tier } from '../../core/ports/secret-backend.ts'
import type { HashicorpVaultClient } from './hashicorp-client.ts'
import { valueAt } from './transport/exchange.ts'

/** Rights that each tier needs on one credential, by engine path. `docs/backends/policies` grants exactly these. */
const NEEDED: Readonly<Record<Exclude<Tier, 'both'>, Readonly<Record<string, readonly string[]>>>> = {
  form: { data: ['create', 'update'], metadata: ['read', 'patch'], destroy: ['update'], subkeys: ['read'] },
  tool: { data: ['read'], metadata: ['read', 'patch'], subkeys: ['read'] },
}
const ENGINES = ['data', 'metadata', 'subkeys', 'delete', 'undelete', 'destroy'] as const

/** Asks Vault for the rights of this login (`sys/capabilities-self`) and compares them with the tier's needs. */
export async function rightsOf(
  client: HashicorpVaultClient,
  {
    mount,
    prefix,
    path,
    tier,
  }: { readonly mount: string; readonly prefix: string; readonly path: string; readonly tier: Tier },
  call: BackendCall,
): Promise<RightsReport> {
  if (tier === 'both') return { missing: [], excess: [] }
  const listing = `${mount}/metadata/${prefix}/`
  const paths = [...ENGINES.map((engine) => `${mount}/${engine}/${path}`), listing]
  const answer = await client({ method: 'POST', path: 'sys/capabilities-self', body: { paths } }, call)
  const granted = (at: string): readonly string[] => {
    const found = valueAt(answer.body, 'data', at) ?? valueAt(answer.body, at)
    return Array.isArray(found) ? found.map(String).filter((right) => right !== 'deny') : []
  }
  const missing: string[] = []
  const excess: string[] = []
  for (const engine of ENGINES) {
    const needed = NEEDED[tier][engine] ?? []
    const given = granted(`${mount}/${engine}/${path}`)
    const shown = `${mount}/${engine}/${prefix}/*`
    missing.push(
      ...needed
        .filter((right) => !given.includes(right) && !given.includes('root'))
        .map((right) => `${right} on ${shown}`),
    )
    excess.push(
      ...given.filter((right) => !needed.includes(right) && right !== 'list').map((right) => `${right} on ${shown}`),
    )
  }
  if (granted(listing).includes('list')) excess.push(`list on ${listing}`)
  if (tier === 'tool' && (await mayPatchSettings(client, `${mount}/metadata/${path}`, call)))
    excess.push(`patch on ${mount}/metadata/${prefix}/* without allowed_parameters`)
  return { missing, excess }
}

/**
 * Whether this login may change settings of a secret besides its labels. Capabilities do not tell: a patch that `allowed_parameters` limits
 * looks like any other. Vault refuses a parameter that is not allowed before it looks at the value, and a value that is no number after.
 */
async function mayPatchSettings(client: HashicorpVaultClient, path: string, call: BackendCall): Promise<boolean> {
  try {
    await client({ method: 'PATCH', path: `${path}-nowhere`, body: { max_versions: 'none' } }, call)
    return true
  } catch (error) {
    if (isCredentialVaultError(error, 'forbidden')) return false
    if (isCredentialVaultError(error, 'configuration_invalid')) return true
    throw error
  }
}
