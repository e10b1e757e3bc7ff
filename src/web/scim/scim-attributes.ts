import { isJsonObject } from '../../core/model/json.ts'

/**
 * Reads what identity providers send. Attribute names are case-insensitive (RFC 7643 §2.1), and Entra ID sends booleans as the texts "True"
 * and "False".
 */
export function attribute(resource: unknown, name: string): unknown {
  if (!isJsonObject(resource)) return undefined
  const wanted = name.toLowerCase()
  const found = Object.entries(resource).filter(([key]) => key.toLowerCase() === wanted)
  // Of two spellings the one that deactivates counts.
  return (found.find(([, value]) => activeFrom(value) === false) ?? found[0])?.[1]
}

/** Returns the boolean, or undefined for what is none. */
export function activeFrom(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return undefined
  const word = value.trim().toLowerCase()
  return word === 'true' ? true : word === 'false' ? false : undefined
}

/** `unchanged` if the resource does not say; `invalid` if it says something that is no boolean. */
export type Activity = 'active' | 'inactive' | 'unchanged' | 'invalid'

export function activityOf(value: unknown): Activity {
  if (value === undefined) return 'unchanged'
  const active = activeFrom(value)
  return active === undefined ? 'invalid' : active ? 'active' : 'inactive'
}

const USER_ACTIVE = 'urn:ietf:params:scim:schemas:core:2.0:user:active'

/**
 * Reads a PATCH (RFC 7644 §3.5.2): `active` as its path, or in a value without a path. Other attributes are not stored, so they are passed
 * over. If one operation deactivates, the user is deactivated.
 *
 * @returns undefined if it is no PATCH
 */
export function activityOfPatch(body: unknown): Activity | undefined {
  const operations = attribute(body, 'Operations')
  if (!Array.isArray(operations) || operations.length === 0 || operations.length > MAX_OPERATIONS) return undefined
  const activities: Activity[] = []
  for (const operation of operations) {
    const activity = activityOfOperation(operation)
    if (activity === undefined) return undefined
    activities.push(activity)
  }
  return PRECEDENCE.find((activity) => activities.includes(activity))
}

const PRECEDENCE: readonly Activity[] = ['inactive', 'invalid', 'active', 'unchanged']
const MAX_OPERATIONS = 1000

function activityOfOperation(operation: unknown): Activity | undefined {
  const op = attribute(operation, 'op')
  const path = attribute(operation, 'path')
  const value = attribute(operation, 'value')
  if (typeof op !== 'string' || !['add', 'replace', 'remove'].includes(op.toLowerCase())) return undefined
  if (path !== undefined && typeof path !== 'string') return undefined
  if (path === undefined) return activityOf(attribute(value, 'active') ?? attribute(value, USER_ACTIVE))
  const name = path.trim().toLowerCase()
  if (name !== 'active' && name !== USER_ACTIVE) return 'unchanged'
  const inner = isJsonObject(value) ? attribute(value, 'active') : value
  // Without a value nobody can tell whether the user is active.
  return op.toLowerCase() === 'remove' || inner === undefined ? 'invalid' : activityOf(inner)
}
