import { createHmac, randomBytes } from 'node:crypto'

/** A secret that was found in a text. */
export interface FoundFingerprint {
  readonly owner: string
  readonly provider: string
  /** Identifies the secret and reveals nothing about it. */
  readonly digest: string
}

export interface FingerprintOf {
  readonly owner: string
  readonly provider: string
  /** The credential's field. A new value replaces the field's old one. */
  readonly field: string
}

/**
 * Finds exact copies of recently released secrets in a text, by their fingerprints. The secrets themselves are not kept: a fingerprint is a
 * rolling hash of the first characters and an HMAC of all, under keys that end with the process.
 */
export interface SecretFingerprints {
  add(of: FingerprintOf, secret: string): void
  /**
   * Finds secrets that exactly one owner has, other than `owner`. Stops after `milliseconds`; the rest of the text then counts as clean.
   */
  foreign(text: string, owner: string, milliseconds: number): readonly FoundFingerprint[]
}

/** Shortest secret to search for, in UTF-16 units. Access tokens are longer; passwords that people choose are mostly shorter. */
export const SHORTEST_FINGERPRINTED = 20
const MAX_FINGERPRINTS = 5_000
/** Milliseconds. */
const LIFETIME = 600_000
const CHARACTERS_A_LOOK = 4_096

interface Fingerprint extends FingerprintOf {
  readonly start: number
  readonly length: number
  readonly digest: string
  readonly until: number
}

export function createSecretFingerprints(now: () => number = () => performance.now()): SecretFingerprints {
  const key = randomBytes(32)
  const base = randomBytes(4).readUInt32LE() | 1
  const outgoing = power(base, SHORTEST_FINGERPRINTED)
  const byField = new Map<string, Fingerprint>()
  const byStart = new Map<number, Set<Fingerprint>>()
  // Rules out nearly every position in a text without a look-up.
  const filter = new Uint16Array(1 << 16)

  const digestOf = (secret: string) => createHmac('sha256', key).update(secret).digest('base64')

  function startOf(text: string): number {
    let hash = 0
    for (let at = 0; at < SHORTEST_FINGERPRINTED; at += 1) hash = (Math.imul(hash, base) + text.charCodeAt(at)) | 0
    return hash
  }

  function remove(field: string, fingerprint: Fingerprint): void {
    byField.delete(field)
    const sharing = byStart.get(fingerprint.start)
    sharing?.delete(fingerprint)
    if (sharing?.size === 0) byStart.delete(fingerprint.start)
    filter[fingerprint.start >>> 16] = (filter[fingerprint.start >>> 16] ?? 0) - 1
  }

  function at(text: string, start: number, hash: number, time: number): readonly Fingerprint[] {
    const candidates = [...(byStart.get(hash) ?? [])].filter(({ until }) => until > time)
    const digests = new Map<number, string>()
    return candidates.filter(({ length, digest }) => {
      const known = digests.get(length) ?? digestOf(text.slice(start, start + length))
      digests.set(length, known)
      return known === digest
    })
  }

  return {
    add({ owner, provider, field }, secret) {
      if (secret.length < SHORTEST_FINGERPRINTED) return
      const before = byField.get(field)
      if (before) remove(field, before)
      const [oldest] = byField
      if (byField.size >= MAX_FINGERPRINTS && oldest) remove(...oldest)
      const start = startOf(secret)
      const fingerprint = {
        owner,
        provider,
        field,
        start,
        length: secret.length,
        digest: digestOf(secret),
        until: now() + LIFETIME,
      }
      byField.set(field, fingerprint)
      byStart.set(start, (byStart.get(start) ?? new Set()).add(fingerprint))
      filter[start >>> 16] = (filter[start >>> 16] ?? 0) + 1
    },

    foreign(text, owner, milliseconds) {
      if (byField.size === 0 || text.length < SHORTEST_FINGERPRINTED) return []
      const began = now()
      const found = new Map<string, FoundFingerprint>()
      const look = (start: number, hash: number) => {
        const fingerprints = at(text, start, hash, began)
        const [fingerprint] = fingerprints
        if (fingerprint && fingerprints.every((one) => one.owner === fingerprint.owner) && fingerprint.owner !== owner)
          found.set(fingerprint.digest, fingerprint)
      }
      roll(unitsOf(text), {
        base,
        outgoing,
        filter,
        first: startOf(text),
        look,
        mayContinue: () => now() - began <= milliseconds,
      })
      return [...found.values()]
    },
  }
}

interface Rolling {
  readonly base: number
  readonly outgoing: number
  readonly filter: Uint16Array
  /** Hash of the first window. */
  readonly first: number
  readonly look: (start: number, hash: number) => void
  readonly mayContinue: () => boolean
}

// A separate function on an array and without closures, because it runs once for each character.
function roll(units: Uint16Array, { base, outgoing, filter, first, look, mayContinue }: Rolling): void {
  let hash = first
  const last = units.length - SHORTEST_FINGERPRINTED
  for (let start = 0; ; start += 1) {
    if (filter[hash >>> 16] !== 0) look(start, hash)
    if (start >= last || (start % CHARACTERS_A_LOOK === CHARACTERS_A_LOOK - 1 && !mayContinue())) return
    const incoming = units[start + SHORTEST_FINGERPRINTED] ?? 0
    hash = (Math.imul(hash, base) + incoming - Math.imul(units[start] ?? 0, outgoing)) | 0
  }
}

function unitsOf(text: string): Uint16Array {
  const bytes = Buffer.allocUnsafeSlow(text.length * 2)
  bytes.write(text, 'utf16le')
  return new Uint16Array(bytes.buffer, 0, text.length)
}

function power(base: number, exponent: number): number {
  let result = 1
  for (let turn = 0; turn < exponent; turn += 1) result = Math.imul(result, base)
  return result
}
