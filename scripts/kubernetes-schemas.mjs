import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

/** Written as a string in the description, and as a number or string in files. */
const QUANTITY = 'io.k8s.apimachinery.pkg.api.resource.Quantity'

/**
 * Writes a JSON schema for each kind of object, as kubeconform looks it up: `<kind>-<group>-<version>.json` in lower case. Unknown fields
 * are refused, as `kubectl --validate=strict` does. `swagger` is Kubernetes' description of itself, `resources` are custom resources.
 */
export function writeSchemas(folder, { swagger, resources }) {
  mkdirSync(folder, { recursive: true })
  const { definitions } = JSON.parse(readFileSync(swagger, 'utf8'))
  for (const [name, definition] of Object.entries(definitions)) {
    const kinds = definition['x-kubernetes-group-version-kind'] ?? []
    // Those of many groups are options and events, which no file has.
    if (kinds.length !== 1 || definition.properties?.metadata === undefined) continue
    write(folder, kinds[0], closed(definitions, name))
  }
  for (const path of resources) {
    const { spec } = JSON.parse(readFileSync(path, 'utf8'))
    for (const { name, schema } of spec.versions) {
      const kind = { group: spec.group, version: name, kind: spec.names.kind }
      const root = strict(schema.openAPIV3Schema)
      write(folder, kind, { ...root, properties: { ...root.properties, metadata: { type: 'object' } } })
    }
  }
}

function write(folder, { group, version, kind }, schema) {
  const apiVersion = group === '' ? version : `${group}/${version}`
  const named = { kind: { const: kind }, apiVersion: { const: apiVersion } }
  const properties = { ...schema.properties, ...named }
  // kubeconform names groups by their first word.
  const file = [kind, ...(group === '' ? [] : [group.split('.')[0]]), version].join('-').toLowerCase()
  const required = [...new Set([...(schema.required ?? []), 'kind', 'apiVersion', 'metadata'])]
  writeFileSync(`${folder}/${file}.json`, JSON.stringify({ ...schema, properties, required }))
}

/** A definition with all that it refers to. */
function closed(definitions, name) {
  const used = new Map()
  const queue = [name]
  for (const one of queue) {
    if (used.has(one)) continue
    const schema = one === QUANTITY ? { type: ['string', 'number'] } : strict(definitions[one])
    used.set(one, schema)
    for (const [, other] of JSON.stringify(schema).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)) queue.push(other)
  }
  return { ...used.get(name), definitions: Object.fromEntries(used) }
}

/** The same schema, which knows integers that may be strings and refuses fields that it does not name. */
function strict(schema) {
  if (Array.isArray(schema)) return schema.map(strict)
  if (typeof schema !== 'object' || schema === null) return schema
  if (schema['x-kubernetes-int-or-string'] || schema.format === 'int-or-string') return { type: ['string', 'integer'] }
  const copied = Object.entries(schema)
    .filter(([key]) => !key.startsWith('x-') && key !== 'description' && key !== 'default')
    .map(([key, value]) => [key, key === 'properties' ? fields(value) : strict(value)])
  const isOpen = schema.additionalProperties !== undefined || schema['x-kubernetes-preserve-unknown-fields'] === true
  const closing = schema.properties === undefined || isOpen ? {} : { additionalProperties: false }
  return { ...Object.fromEntries(copied), ...closing }
}

/** A field may be named "description" or "default". */
function fields(properties) {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, strict(value)]))
}
