import { z } from 'zod'
import type { PendingKey, StoredEntry } from '../../core/ports/pending-store.ts'

const milliseconds = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number)

/** One entry, as the scripts' `stored` gives it. */
const fieldsSchema = z.tuple([
  z.literal('entry'),
  z.string(),
  z.string(),
  z.string(),
  milliseconds,
  milliseconds,
  z.enum(['open', 'claimed', 'closed']),
  z.enum(['', 'saved', 'cancelled', 'declined']),
  z.union([z.literal(''), milliseconds]),
])
const FIELDS = 9

/** Returns the entries in a script's answer: fields of one after those of another. Anything else in it is no entry. */
export function storedEntries(answer: readonly string[], owner: string): readonly StoredEntry[] {
  const entries: StoredEntry[] = []
  for (let at = 0; at < answer.length; at += FIELDS) {
    const parsed = fieldsSchema.safeParse(answer.slice(at, at + FIELDS))
    if (!parsed.success) continue
    const [, key, slot, sealed, expiresAt, keepUntil, state, outcome, closedAgo] = parsed.data
    const entry = { key: key as PendingKey, slot, owner, sealed, expiresAt, keepUntil }
    entries.push({
      ...entry,
      state,
      ...(outcome !== '' && { outcome }),
      ...(closedAgo !== '' && { closedAgo }),
    })
  }
  return entries
}
