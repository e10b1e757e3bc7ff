import type { AuditPosition } from './audit-sink.ts'

/** `WRITER/SEQ`, as it is noted beside a stored record. */
export function positionText({ writer, seq }: AuditPosition): string {
  return `${writer}/${seq}`
}

/** undefined for anything else: operators can write there too. */
export function positionFromText(text: unknown): AuditPosition | undefined {
  const [, writer, seq] = typeof text === 'string' ? (PATTERN.exec(text) ?? []) : []
  return writer === undefined ? undefined : { writer, seq: Number(seq) }
}

const PATTERN = /^([\w-]{1,64})\/(\d{1,15})$/
