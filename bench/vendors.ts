import { gateMeasures } from './mcp.ts'
import type { Measure } from './measure.ts'
import { cachedReadMeasures, readMeasures } from './vendor-reads.ts'
import { startAwsStore, startVaultStore, type VendorStore } from './vendor-store.ts'

/** What is measured on a vendor's server, by the name of what is asked for first. */
type Measures = Readonly<Record<string, (store: VendorStore, seconds: number) => Promise<Measure[]>>>

const OF_VAULT: Measures = {
  'vault-read-vs-raw': (store, seconds) => readMeasures('vault-read', store, seconds),
  'cached-read': cachedReadMeasures,
  'gated-vs-ungated-vault': ({ environment }, seconds) => gateMeasures('vault', environment, seconds),
}

const OF_AWS: Measures = {
  'aws-read-vs-raw': (store, seconds) => readMeasures('aws-read', store, seconds),
  'gated-vs-ungated-aws-secrets-manager': ({ environment }, seconds) =>
    gateMeasures('aws-secrets-manager', environment, seconds),
}

/** Those of OpenBao and moto that are wanted; each server is started when one of its own is. */
export async function vendorMeasures(
  wanted: (name: string) => boolean,
  { seconds }: { readonly seconds: number },
): Promise<Measure[]> {
  const isWanted = (name: string) => wanted(name) || (name === 'cached-read' && wanted('cached-reads'))
  return [
    ...(await measuresOf(startVaultStore, OF_VAULT, isWanted, seconds)),
    ...(await measuresOf(startAwsStore, OF_AWS, isWanted, seconds)),
  ]
}

async function measuresOf(
  start: () => Promise<VendorStore>,
  measures: Measures,
  wanted: (name: string) => boolean,
  seconds: number,
): Promise<Measure[]> {
  const chosen = Object.entries(measures).filter(([name]) => wanted(name))
  if (chosen.length === 0) return []
  const store = await start()
  try {
    const taken: Measure[] = []
    for (const [, measure] of chosen) taken.push(...(await measure(store, seconds)))
    return taken
  } finally {
    await store.close()
  }
}
