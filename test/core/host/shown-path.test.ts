import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { fileLabel, shownPath } from '../../../src/core/host/shown-path.ts'

test.each([
  '/run/secrets/vault-key',
  '/var/run/secrets/kubernetes.io/serviceaccount/token',
  '/tmp/sealed-file-Rn9WZl/scim-token',
  './vault.key',
  '../keys/web',
  '~/vault-key',
  'keys/web-key',
  'vault.key',
  'People of 2026.csv',
  '.env.production',
  'audit-20261127T2200.jsonl',
  '.',
])('shows the path %s', (path) => {
  expect(shownPath(path)).toBe(path)
})

const bytes = randomBytes(32)
test.each([
  generateKeyText(),
  `/run/secrets/${generateKeyText()}`,
  `./${generateKeyText()}.key`,
  bytes.toString('hex'),
  bytes.toString('base64'),
  bytes.toString('base64url'),
  'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  'hvs.CAESIJ1hZpQ0n6mVtcYbXcZ0bTgqkE3w',
  's.7Bv1cYbXcZ0bTgqkE3wJalrX',
  '9f2c1b7e-4f55-4f0e-9d0c-2f1f6c1b7e4f',
  'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  'canary-secret-id',
  'hunter2',
  'PAT=tok.abc',
  '/run/secrets/key\n/run/secrets/other',
  '/run/\u001b[2J.key',
])('does not show %j', (text) => {
  expect(shownPath(text)).toBeUndefined()
  expect(fileLabel('MCP_WEB_KEY_FILE', text)).toBe(
    'MCP_WEB_KEY_FILE (not shown, since it may be a secret in place of a path)',
  )
})
