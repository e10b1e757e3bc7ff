import { randomUUID } from 'node:crypto'
import type { AuditEvent, AuditPosition } from '../core/audit-sink.ts'
import { printable } from '../core/printable.ts'

/** An event, checked and written out, that only lacks its position. */
export type PreparedLine = (position: AuditPosition) => string

const MAX_CHARACTERS = 256
const MAX_TEXTS = 8

type FieldWriter = (value: unknown, name: string) => string

const text: FieldWriter = (value, name) => {
  if (typeof value !== 'string') throw new TypeError(`audit event: ${name} is not text`)
  return quoted(value)
}

// A signed-in user is an owner with more to say; only what names the person goes in.
const owner: FieldWriter = (value, name) => {
  const { issuer, subject } = asRecord(value, name)
  return `{"issuer":${text(issuer, `${name}.issuer`)},"subject":${text(subject, `${name}.subject`)}}`
}

const actor: FieldWriter = (value, name) => {
  const given = asRecord(value, name)
  if (given['kind'] === 'user') return `{"kind":"user","owner":${owner(given['owner'], `${name}.owner`)}}`
  if (given['kind'] === 'anonymous') return '{"kind":"anonymous"}'
  if (given['kind'] === 'operator') {
    const { account } = given
    return account === undefined
      ? '{"kind":"operator"}'
      : `{"kind":"operator","account":${text(account, `${name}.account`)}}`
  }
  throw new TypeError(`audit event: ${name}.kind is unknown`)
}

const texts: FieldWriter = (value, name) => {
  if (!Array.isArray(value) || value.length > MAX_TEXTS) throw new TypeError(`audit event: ${name} is not a short list`)
  return `[${value.map((one) => text(one, name)).join(',')}]`
}

/** All that a line can say, in the order of the line. */
const FIELDS: { readonly [K in keyof Required<AuditEvent>]: FieldWriter } = {
  type: text,
  outcome: text,
  reason: text,
  owner,
  actor,
  provider: text,
  version: text,
  clientId: text,
  tool: text,
  backend: text,
  backendRequestIds: texts,
  request: text,
  address: text,
  correlationId: text,
}

const REQUIRED: readonly string[] = ['type', 'outcome', 'correlationId']
const WRITERS = Object.entries(FIELDS).map(([name, write]) => [name, write, REQUIRED.includes(name)] as const)

/**
 * Writes an event out field by field as one line of JSON. A field that is not on the list is a TypeError and not left out quietly:
 * somebody tried to log what must not be in the log.
 */
export function prepareAuditLine(event: AuditEvent, at: Date = new Date()): PreparedLine {
  for (const name of Object.keys(event)) {
    if (!Object.hasOwn(FIELDS, name)) throw new TypeError(`audit event: lines have no field ${name}`)
  }
  let fields = ''
  for (const [name, write, isRequired] of WRITERS) {
    const value: unknown = Reflect.get(event, name)
    if (value !== undefined) fields += `,"${name}":${write(value, name)}`
    else if (isRequired) throw new TypeError(`audit event: ${name} is missing`)
  }
  const rest = `"at":"${at.toISOString()}","id":"${uuidV7(at)}"${fields}}\n`
  return ({ writer, seq }) => `{"v":1,"w":"${writer}","seq":${seq},${rest}`
}

/** Needs no escaping, as nearly all that is written here. */
const PLAIN = /^[ !#-[\]-~]*$/

// Beyond what JSON escapes: everything invisible that could break or disguise a line in a terminal, and lone surrogates.
function quoted(value: string): string {
  if (value.length <= MAX_CHARACTERS && PLAIN.test(value)) return `"${value}"`
  const capped = value.length > MAX_CHARACTERS ? `${value.slice(0, MAX_CHARACTERS - 1)}…` : value
  return printable(JSON.stringify(capped))
}

// RFC 9562 §5.7, over the random digits of a version 4, for which Node keeps entropy at hand.
function uuidV7(at: Date): string {
  const time = hex(at.getTime(), 12)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

function asRecord(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (isRecord(value)) return value
  throw new TypeError(`audit event: ${name} is not an object`)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
