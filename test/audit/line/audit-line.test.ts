import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { newChain, sealBatch } from '../../../src/audit/line/audit-chain.ts'
import { auditLineBody } from '../../../src/audit/line/audit-line.ts'
import type { AuditEvent } from '../../../src/core/ports/audit-sink.ts'

const owner = { issuer: 'https://login.example.com', subject: 'ann' }
const minimal: AuditEvent = { type: 'admin.listed', outcome: 'success', correlationId: 'c1' }
const position = { writer: '00112233aabbccdd', seq: 7 }
const signature = 'S'.repeat(86)

function written(event: AuditEvent, at?: Date): string {
  const head = { ...newChain(position.writer), seq: position.seq - 1 }
  return sealBatch(head, [auditLineBody(event, at && { at })], { sign: () => signature }).text
}

test('a line holds the time, an id, the fields, its place and its seal, in this order', () => {
  const at = new Date('2026-11-22T10:11:12.345Z')
  const line = written(
    {
      correlationId: 'c1',
      owner,
      outcome: 'success',
      type: 'credential.resolved',
      actor: { kind: 'user', owner: { issuer: 'i', subject: 's' } },
      provider: 'jira',
      tool: 'create_issue',
    },
    at,
  )
  const { id, hash, ...rest } = JSON.parse(line)
  expect(line).toMatch(/^\{"v":1,"w":"00112233aabbccdd","at":"2026-11-22T10:11:12.345Z","id":"[0-9a-f-]{36}","type":/)
  expect(line).toMatch(/,"seq":7,"prev":"A{43}","hash":"[\w-]{43}","sig":"S{86}"\}\n$/)
  const hashed = line.slice(0, line.indexOf(',"hash":'))
  expect(hash).toBe(createHash('sha256').update(hashed).digest('base64url'))
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(at.getTime())
  expect(rest).toEqual({
    v: 1,
    w: position.writer,
    seq: 7,
    at: '2026-11-22T10:11:12.345Z',
    type: 'credential.resolved',
    outcome: 'success',
    owner,
    actor: { kind: 'user', owner: { issuer: 'i', subject: 's' } },
    provider: 'jira',
    tool: 'create_issue',
    correlationId: 'c1',
    prev: 'A'.repeat(43),
    sig: signature,
  })
})

test('a field that lines do not have is a programming error, as is a missing one', () => {
  const extra = { ...minimal, value: 'secret' }
  expect(() => written(extra)).toThrow(TypeError)
  expect(() => written({ ...minimal, tool: 5 as unknown as string })).toThrow(TypeError)
  expect(() => written({ ...minimal, actor: { kind: 'root' } as never })).toThrow(TypeError)
  const { correlationId: _, ...lacking } = minimal
  expect(() => written(lacking as AuditEvent)).toThrow(TypeError)
})

test('of a signed-in user only issuer and subject are written', () => {
  const user = { ...owner, displayName: 'Ann Example', clientId: 'x' }
  expect(JSON.parse(written({ ...minimal, owner: user })).owner).toEqual(owner)
})

test('long text is cut to 256 characters, visibly', () => {
  const { tool, address } = JSON.parse(written({ ...minimal, tool: 'x'.repeat(1_000_000), address: 'y'.repeat(256) }))
  expect(tool).toBe(`${'x'.repeat(255)}…`)
  expect(address).toBe('y'.repeat(256))
})

test.each([
  ['newline', 'a\nb"c\\', 'a\\nb\\"c\\\\'],
  ['terminal colour', '\u001b[31m', '\\u001b[31m'],
  ['C1', '\u009b31m\u007f', '\\u009b31m\\u007f'],
  ['line separators', '\u2028\u2029', '\\u2028\\u2029'],
  ['direction override', '\u202egpj', '\\u202egpj'],
  ['tag character', '\u{e0041}', '\\udb40\\udc41'],
  ['lone surrogate', 'a\ud800b', 'a\\ud800b'],
  ['forged line', '"}\n{"v":1', '\\"}\\n{\\"v\\":1'],
])('%s is escaped', (_, tool, escaped) => {
  expect(written({ ...minimal, tool })).toContain(`"tool":"${escaped}",`)
})

test('whatever text comes in, one line of JSON comes out that says the same', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (tool) => {
      const line = written({ ...minimal, tool })
      expect(line.indexOf('\n')).toBe(line.length - 1)
      expect(line).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+\n$/u)
      expect(JSON.parse(line).tool).toBe(tool)
    }),
  )
})
