import { describe, expect, test } from 'vitest'
import { fernet } from '../../../src/cli/import/fernet.ts'

// The vectors of https://github.com/fernet/spec: verify.json, and invalid.json without those about a token's age.
const KEY = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='
const GOOD = 'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=='

const INVALID: readonly (readonly [string, string])[] = [
  [
    'incorrect mac',
    'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==',
  ],
  ['too short', 'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA=='],
  [
    'invalid base64',
    '%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==',
  ],
  [
    'payload size not multiple of block size',
    'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm',
  ],
  [
    'payload padding error',
    'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==',
  ],
  [
    'incorrect IV (causes padding error)',
    'gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==',
  ],
]

test('opens the token of the specification', () => {
  expect(fernet(KEY)?.open(GOOD)?.toString()).toBe('hello')
})

describe('refuses the tokens that the specification calls invalid', () => {
  test.each(INVALID)('%s', (_, token) => {
    expect(fernet(KEY)?.open(token)).toBeUndefined()
  })
})

test('refuses a token that is changed in any one byte, and every other key', () => {
  const bytes = Buffer.from(GOOD, 'base64url')
  for (const at of bytes.keys()) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect(fernet(KEY)?.open(`${changed.toString('base64url')}==`), String(at)).toBeUndefined()
  }
  expect(fernet(`${'A'.repeat(43)}=`)?.open(GOOD)).toBeUndefined()
})

test.each(['', 'short', KEY.slice(1), `${KEY}AAAA`, KEY.replace('_', '/'), 'mcv1_not-a-fernet-key'])(
  'takes no key but 32 bytes in base64url: %s',
  (text) => expect(fernet(text)).toBeUndefined(),
)
