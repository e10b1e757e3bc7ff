import type { Flow } from './flow.ts'
import { account } from './flows/account.ts'
import { accounts } from './flows/accounts.ts'
import { asking } from './flows/asking.ts'
import { auditLog, auditOptions } from './flows/audit-log.ts'
import { envelope } from './flows/envelope.ts'
import { fetching } from './flows/fetching.ts'
import { form } from './flows/form.ts'
import { holders } from './flows/holders.ts'
import { identity } from './flows/identity.ts'
import { kinds } from './flows/kinds.ts'
import { legs } from './flows/legs.ts'
import { operator } from './flows/operator.ts'
import { outages } from './flows/outages.ts'
import { saving } from './flows/saving.ts'
import { server } from './flows/server.ts'
import { tools } from './flows/tools.ts'

/** Everything that the product does with secrets, and everything that goes wrong with them. */
export const flows: readonly Flow[] = [
  ...auditOptions,
  ...asking,
  ...kinds,
  ...legs,
  ...form,
  ...account,
  ...accounts,
  ...saving,
  ...tools,
  ...fetching,
  ...identity,
  ...operator,
  ...auditLog,
  ...server,
  ...holders,
]

/** What is kept in a store behind a network goes through the same hands, and fails in more ways. */
export function storeFlows(store: 'vault' | 'aws-secrets-manager'): readonly Flow[] {
  // The time-out stands in front of every store alike, and takes its time.
  return [...saving.filter(({ name }) => name !== 'write times out'), ...tools, ...outagesOf(store)]
}

/** Those in which a store's own client has something to print. */
export function outagesOf(store: 'vault' | 'aws-secrets-manager'): readonly Flow[] {
  const faults = ['down', 'hanging', 'dripping', 'reset', 'lost', 'html', 'failing', 'throttled', 'denied']
  return outages([...faults, ...(store === 'vault' ? ['sealed'] : ['kms', 'expired', 'skewed'])])
}

/** Those in which an envelope seals and opens, and its keys change. Its network fails below it, as everyone's does. */
export const envelopeFlows: readonly Flow[] = [
  ...envelope,
  ...account,
  ...accounts,
  ...outages(['lost', 'failing', 'denied']),
]
