import type { AuditPosition } from './audit-sink.ts'

/** Returns `WRITER/SEQ`, the form in which a position is stored with a record. */
export function positionText({ writer, seq }: AuditPosition): string {
  return `${writer}/${seq}`
}

/** Reads the text of {@link positionText}. Returns undefined for any other text, because operators can write there too. */
export function positionFromText(text: unknown): AuditPosition | undefined {
  const [, writer, seq] = typeof text === 'string' ? (PATTERN.exec(text) ?? []) : []
  return writer === undefined ? undefined : { writer, seq: Number(seq) }
}

const PATTERN = /^([\w-]{1,64})\/(\d{1,15})$/
