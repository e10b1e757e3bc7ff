import { randomUUID } from 'node:crypto'
import { MalformedEvent } from '../../core/journal/malformed-event.ts'
import type { Owner } from '../../core/model/owner.ts'
import { printable } from '../../core/model/printable.ts'
import type { AuditEvent } from '../../core/ports/audit-sink.ts'

/** A line without its writer and its place in the chain. */
export type LineBody = string

/** Returns the pseudonym that replaces a subject. */
export type Pseudonym = (owner: Owner) => string

const MAX_CHARACTERS = 256
const MAX_TEXTS = 8

type FieldWriter = (value: unknown, name: string, pseudonym: Pseudonym | undefined) => string

const text: FieldWriter = (value, name) => {
  if (typeof value !== 'string') throw new MalformedEvent(`audit event: ${name} is not text`)
  return quoted(value)
}

// A signed-in user carries more than an owner, so issuer and subject are picked.
const owner: FieldWriter = (value, name, pseudonym) => {
  const { issuer, subject } = asRecord(value, name)
  const who =
    pseudonym && typeof issuer === 'string' && typeof subject === 'string'
      ? `"pseudonym":${quoted(pseudonym({ issuer, subject }))}`
      : `"subject":${text(subject, `${name}.subject`, undefined)}`
  return `{"issuer":${text(issuer, `${name}.issuer`, undefined)},${who}}`
}

const actor: FieldWriter = (value, name, pseudonym) => {
  const given = asRecord(value, name)
  if (given['kind'] === 'user') return `{"kind":"user","owner":${owner(given['owner'], `${name}.owner`, pseudonym)}}`
  if (given['kind'] === 'anonymous') return '{"kind":"anonymous"}'
  if (given['kind'] === 'operator') {
    const account =
      given['account'] === undefined ? '' : `,"account":${text(given['account'], `${name}.account`, undefined)}`
    const person = given['owner'] === undefined ? '' : `,"owner":${owner(given['owner'], `${name}.owner`, pseudonym)}`
    return `{"kind":"operator"${account}${person}}`
  }
  throw new MalformedEvent(`audit event: ${name}.kind is unknown`)
}

const texts: FieldWriter = (value, name) => {
  if (!Array.isArray(value) || value.length > MAX_TEXTS)
    throw new MalformedEvent(`audit event: ${name} is not a short list`)
  return `[${value.map((one) => text(one, name, undefined)).join(',')}]`
}

const count: FieldWriter = (value, name) => {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw new MalformedEvent(`audit event: ${name} is not a count`)
  return String(value)
}

const flag: FieldWriter = (value, name) => {
  if (value !== true) throw new MalformedEvent(`audit event: ${name} is true or left out`)
  return 'true'
}

/** Every field of a line, in the order of the line. */
const FIELDS: { readonly [K in keyof Required<AuditEvent>]: FieldWriter } = {
  type: text,
  outcome: text,
  reason: text,
  owner,
  actor,
  provider: text,
  version: text,
  previousVersion: text,
  clientId: text,
  clientName: text,
  tool: text,
  backend: text,
  backendRequestIds: texts,
  destination: text,
  status: count,
  request: text,
  address: text,
  pid: count,
  correlationId: text,
  count,
  occurredAt: text,
  late: flag,
}

const REQUIRED: readonly string[] = ['type', 'outcome', 'correlationId']
const WRITERS = Object.entries(FIELDS).map(([name, write]) => [name, write, REQUIRED.includes(name)] as const)

/**
 * Writes an event field by field. An unlisted field is a TypeError instead of being dropped, since it shows code that logs what must not
 * be in the log. With `pseudonym`, people are written by it and not by their subject.
 */
export function auditLineBody(
  event: AuditEvent,
  { at = new Date(), pseudonym }: { readonly at?: Date; readonly pseudonym?: Pseudonym | undefined } = {},
): LineBody {
  for (const name of Object.keys(event)) {
    if (!Object.hasOwn(FIELDS, name)) throw new MalformedEvent(`audit event: lines have no field ${name}`)
  }
  let fields = ''
  for (const [name, write, isRequired] of WRITERS) {
    const value: unknown = Reflect.get(event, name)
    if (value !== undefined) fields += `,"${name}":${write(value, name, pseudonym)}`
    else if (isRequired) throw new MalformedEvent(`audit event: ${name} is missing`)
  }
  return `${lineStart(at)}${fields}`
}

/** Every body starts with its time and id. */
export function lineStart(at: Date): LineBody {
  return `,"at":"${at.toISOString()}","id":"${uuidV7(at)}"`
}

/** Texts that need no escaping, as nearly all do. */
const PLAIN = /^[ !#-[\]-~]*$/

// Also escapes what JSON does not: invisible characters that could break or disguise a line in a terminal, and lone surrogates.
export function quoted(value: string): string {
  if (value.length <= MAX_CHARACTERS && PLAIN.test(value)) return `"${value}"`
  const capped = value.length > MAX_CHARACTERS ? `${value.slice(0, MAX_CHARACTERS - 1)}…` : value
  return printable(JSON.stringify(capped))
}

// RFC 9562 §5.7. The random digits come from a version 4 UUID, for which Node caches entropy.
function uuidV7(at: Date): string {
  const time = hex(at.getTime(), 12)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

function asRecord(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value
  throw new MalformedEvent(`audit event: ${name} is not an object`)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
