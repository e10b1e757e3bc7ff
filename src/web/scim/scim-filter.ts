import { SUBJECT_ATTRIBUTES } from '../admin/admin-options.ts'
import type { ScimTenant } from '../admin/admin-parts.ts'

export interface ScimFilter {
  readonly attribute: ScimTenant['subjectFrom']
  readonly value: string
}

const EQUALS = /^(\w+) eq ("(?:[^"\\\p{Cc}]|\\.)*")$/iu
const MAX_FILTER_LENGTH = 1024

/**
 * Reads the filter that identity providers look a user up with: `userName eq "…"` or `externalId eq "…"` (RFC 7644 §3.4.2.2), and nothing
 * else. The value is a JSON string, and is only ever compared.
 */
export function scimFilter(text: string): ScimFilter | undefined {
  if (text.length > MAX_FILTER_LENGTH) return undefined
  const [, name = '', quoted = ''] = EQUALS.exec(text.trim()) ?? []
  const attribute = SUBJECT_ATTRIBUTES.find((known) => known.toLowerCase() === name.toLowerCase())
  if (!attribute) return undefined
  try {
    const value: unknown = JSON.parse(quoted)
    return typeof value === 'string' ? { attribute, value } : undefined
  } catch {
    return undefined
  }
}
