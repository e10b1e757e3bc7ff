import { z } from 'zod'

/** Returns the options that there are at this path of a schema, for suggestions. */
export function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const json: unknown = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const at = path.reduce<unknown>(
    (found, key) => member(member(found, 'properties'), key) ?? member(found, 'additionalProperties'),
    json,
  )
  const properties = member(at, 'properties')
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : []
}

function member(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
}
