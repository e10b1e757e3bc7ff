import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { padded, unpadded } from '../../../src/core/crypto/padding.ts'

test.each([0, 1, 254, 255, 256, 257, 511, 16_384])(
  '%i bytes come back, and their number shows in steps of 256 only',
  (length) => {
    const bytes = randomBytes(length)
    const content = padded(bytes.subarray(0, 3), bytes.subarray(3))
    expect(content.length % 256).toBe(0)
    expect(content.length - length).toBeLessThanOrEqual(256)
    expect(content.length).toBeGreaterThan(length)
    expect(Buffer.from(unpadded(content) ?? [])).toEqual(bytes)
  },
)

test('bytes that end like padding come back whole, and bytes without padding are none', () => {
  const bytes = Buffer.from([0x80, 0, 0, 0x80, 0, 0])
  expect(Buffer.from(unpadded(padded(bytes)) ?? [])).toEqual(bytes)
  expect(unpadded(Buffer.alloc(256))).toBeUndefined()
})
