import { z } from 'zod'
import { canonicalBase64url } from '../../core/crypto/base64url.ts'
import { padded, unpadded } from '../../core/crypto/padding.ts'
import { hash, openBox, sealBox, sign, verifySignature, wipe } from '../../core/crypto/sodium.ts'
import { parsedJson } from '../../core/model/json.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { WriteIntent } from '../../core/ports/secret-backend.ts'
import { findKeyPair, pairOf, type StoreKeyring } from './keys/keyring.ts'
import { recordError } from './record-error.ts'

/**
 * One revision of one credential, as a file of four lines, each ended by LF:
 *
 * ```
 * mcv-record-v1
 * base64url( header, JSON )
 * base64url( crypto_box_seal( BLAKE2b-256(line 2) || payload, JSON, padded to 256 bytes ) )     empty when purged
 * base64url( Ed25519( lines 1 to 3 ) )
 * ```
 *
 * The header binds the file to its place. Its hash inside the box binds the box to the header, so that neither can be combined with another
 * record's. The signature proves who made the record, which a sealed box alone does not.
 */
const FORMAT = 'mcv-record-v1'
const HASH_BYTES = 32

export type RecordKind = 'active' | 'revoked' | 'purged'

const headerSchema = z.strictObject({
  store: z.string(),
  /** Keyed hash of provider, issuer and subject. */
  id: z.string(),
  /** Number of this file among the credential's, from 1. Never reused. */
  revision: z.int().min(1),
  /** Number of the version, which is its first revision's. Absent in that revision; a later one holds the same version under other keys. */
  number: z.int().min(1).optional(),
  kind: z.enum(['active', 'revoked', 'purged']),
  /** Random name of the version, its {@link VersionRef}. */
  version: z.string().min(1),
  /** Unix milliseconds. */
  at: z.int().min(0),
  sealKey: z.string(),
  signKey: z.string(),
  operation: z.string(),
  /** Audit line that announced this write. A revocation does not wait for one. */
  audit: z.strictObject({ writer: z.string(), seq: z.int().min(0) }).optional(),
})

export type RecordHeader = Readonly<z.output<typeof headerSchema>>

const labelsSchema = z.object({
  /** Unix milliseconds. */
  expiresAt: z.int().optional(),
  accountName: z.string().optional(),
  unverified: z.boolean().optional(),
})

const payloadSchema = z.strictObject({
  provider: z.string(),
  issuer: z.string(),
  subject: z.string(),
  /** Absent in a revoked record. Its names are the version's field names. */
  values: z.record(z.string(), z.string()).optional(),
  /** Absent in records without labels. Labels of an unknown form must not make the values unreadable. */
  labels: labelsSchema.optional().catch(undefined),
})

export interface RecordPayload {
  readonly provider: string
  readonly owner: Owner
  readonly values?: Readonly<Record<string, string>> | undefined
  readonly labels?: WriteIntent['labels']
}

/** A record whose signature and place were checked and whose box is still closed. */
export interface VerifiedRecord {
  readonly header: RecordHeader
  readonly headerHash: Uint8Array
  readonly box: Buffer
  readonly path: string
}

/** Returns the number of the version that a record holds. */
export function numberOf({ number, revision }: Pick<RecordHeader, 'number' | 'revision'>): number {
  return number ?? revision
}

/** The part of a header that does not come from the keyring. */
export type NewHeader = Omit<RecordHeader, 'store' | 'sealKey' | 'signKey'>

export function encodeRecord(header: NewHeader, payload: RecordPayload, keyring: StoreKeyring): Buffer {
  const [sealKey] = keyring.sealKeys
  const [signKey] = keyring.signKeys
  const { privateKey } = pairOf(signKey, 'save')
  const whole: RecordHeader = { ...header, store: keyring.store, sealKey: sealKey.id, signKey: signKey.id }
  // An invalid header must not be written, since no reader would accept it.
  const headerLine = Buffer.from(JSON.stringify(headerSchema.parse(whole))).toString('base64url')
  const signed = `${FORMAT}\n${headerLine}\n${header.kind === 'purged' ? '' : box(headerLine, payload, sealKey.publicKey)}\n`
  const signature = sign(Buffer.from(signed), privateKey)
  return Buffer.from(`${signed}${Buffer.from(signature).toString('base64url')}\n`)
}

/** The place of a record, which its header must match. */
export interface RecordPlace {
  readonly id: string
  readonly revision: number
  readonly path: string
}

/** Checks form, signature and place, in this order. Throws `record_tampered` or `record_replayed`. */
export function verifyRecord(bytes: Buffer, place: RecordPlace, keyring: StoreKeyring): VerifiedRecord {
  const { header, headerLine, box, signature, signed } = parseRecord(bytes, place.path)
  const writer = findKeyPair(keyring.signKeys, header.signKey)
  if (!writer) throw recordError('unknown_writer', place.path)
  if (!verifySignature(signature, signed, writer.publicKey)) throw recordError('signature', place.path)
  if (header.store !== keyring.store) throw recordError('store', place.path)
  if (header.id !== place.id) throw recordError('swapped', place.path)
  if (header.revision !== place.revision) throw recordError('revision', place.path)
  return { header, headerHash: hash(Buffer.from(headerLine)), box, path: place.path }
}

/** Splits a record into its parts without checking the signature. */
function parseRecord(bytes: Buffer, path: string) {
  const lines = bytes.toString('latin1').split('\n')
  const [format, headerLine = '', boxLine = '', signatureLine = '', end] = lines
  if (format !== FORMAT) throw recordError(FORMAT.startsWith(format ?? '') ? 'truncated' : 'format', path)
  if (end === undefined) throw recordError('truncated', path)
  if (end !== '' || lines.length !== 5) throw recordError('format', path)
  const box = canonicalBase64url(boxLine)
  const signature = canonicalBase64url(signatureLine)
  const header = parseHeader(headerLine)
  if (!box || !signature || !header) throw recordError('format', path)
  const signed = bytes.subarray(0, bytes.length - signatureLine.length - 1)
  return { header, headerLine, box, signature, signed }
}

/** Returns what a file says of itself, unchecked, or undefined for a file that is no record. */
export function headerOf(bytes: Buffer): RecordHeader | undefined {
  return parseHeader(bytes.toString('latin1').split('\n')[1] ?? '')
}

/** Opens the box of a record that is not purged. Throws `record_tampered`. */
export function openRecord(record: VerifiedRecord, keyring: StoreKeyring): RecordPayload {
  const keys = findKeyPair(keyring.sealKeys, record.header.sealKey)
  if (!keys) throw recordError('unknown_seal_key', record.path)
  const content = openBox(record.box, pairOf(keys, 'read'))
  if (!content) throw recordError('seal', record.path)
  const payload = readContent(content, record.headerHash)
  wipe(content)
  if (!payload) throw recordError('spliced', record.path)
  const { provider, issuer, subject, values, labels } = payload
  return { provider, owner: { issuer, subject }, values, ...(labels && { labels: openedLabels(labels) }) }
}

/** Leaves out what a record cannot hold, because the values must be stored even if their labels cannot. */
function sealedLabels({ expiresAt, accountName, unverified }: NonNullable<WriteIntent['labels']>) {
  const labels = labelsSchema.safeParse({ expiresAt: expiresAt?.getTime(), accountName, unverified })
  return labels.success && Object.values(labels.data).some((label) => label !== undefined) ? labels.data : undefined
}

function openedLabels({ expiresAt, ...labels }: z.output<typeof labelsSchema>): NonNullable<WriteIntent['labels']> {
  return { ...labels, ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }) }
}

function box(headerLine: string, payload: RecordPayload, publicKey: Uint8Array): string {
  const { provider, owner, values } = payload
  const labels = payload.labels && sealedLabels(payload.labels)
  const text = Buffer.from(JSON.stringify({ provider, issuer: owner.issuer, subject: owner.subject, values, labels }))
  const content = padded(hash(Buffer.from(headerLine)), text)
  const sealed = Buffer.from(sealBox(content, publicKey)).toString('base64url')
  wipe(content)
  wipe(text)
  return sealed
}

function readContent(content: Uint8Array, headerHash: Uint8Array): z.output<typeof payloadSchema> | undefined {
  const bytes = unpadded(content)
  if (!bytes || !Buffer.from(headerHash).equals(bytes.subarray(0, HASH_BYTES))) return undefined
  return payloadSchema.safeParse(parsedJson(Buffer.from(bytes.subarray(HASH_BYTES)).toString())).data
}

function parseHeader(line: string): RecordHeader | undefined {
  const bytes = canonicalBase64url(line)
  return bytes && headerSchema.safeParse(parsedJson(bytes.toString())).data
}
