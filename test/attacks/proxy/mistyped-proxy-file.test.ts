import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readServableConfig } from '../../../src/server/proxy/proxy-file.ts'
import { thrownError } from '../../harness/thrown-error.ts'

const SECRET = 'glpat-Zx81Lq0vMn53Rt77Kw2P'
const PEM = '-----BEGIN PRIVATE KEY-----MIIEvQIBADANBgkqhkiG9w0BAQEFAASC-----END PRIVATE KEY-----'
const folder = mkdtempSync(join(tmpdir(), 'mistyped-'))
afterAll(() => rmSync(folder, { recursive: true }))

function problemOf(more: string, url = 'https://gitlab.example.com/mcp'): string {
  const file = join(folder, 'proxy.yaml')
  writeFileSync(
    file,
    `upstreams:\n  gitlab:\n    url: ${url}\n    catalogue: user\n    credential: { variables: { pat: { label: T } } }\n    headers: { Authorization: 'Bearer {pat}' }\n${more}\n`,
  )
  return thrownError(() => readServableConfig(file, {})).message
}

test.each([
  ['a token in place of where it is', `    catalogue: discovery\n    discovery: { pat: ${SECRET} }`],
  ['a token in place of the name of a variable', `    discovery: { pat: { env: '${SECRET}' } }`],
  ['a token in place of a file', `    tls: { ca: ${SECRET} }`],
  ['a key in place of its file', `    tls: { certificate: a.pem, key: '${PEM}' }`],
  ['a token as a name of an option', `    ${SECRET}: true`],
  ['a token as a tool', `    tools: { allow: ['*${SECRET}*'] }`],
])('%s is an error that does not quote it', (_, more) => {
  const problem = problemOf(more.replace('    catalogue: discovery\n', ''))
  expect(problem).toContain('proxy.yaml:')
  expect(problem).not.toContain(SECRET.slice(6))
  expect(problem).not.toContain('MIIEvQIBADANBgkqhkiG9w0BAQEFAASC')
})

test('rules that would exclude nothing or everything by mistake are refused', () => {
  expect(problemOf('    tools: {}')).toContain('needs allow, deny or both')
  expect(problemOf('    tools: { deny: [] }')).toContain('tools.deny')
  expect(problemOf("    tools: { deny: ['*'] }")).toContain('needs a letter or a digit')
  expect(problemOf("    tools: { deny: ['de*te'] }")).toContain('at its end only')
})

test('a snapshot, a certificate or a credential of mine in the wrong place is named', () => {
  expect(problemOf('    snapshot: a.json')).toContain('upstreams.gitlab.snapshot: is for catalogue: snapshot')
  expect(problemOf('    tls: { ca: a.pem }', 'http://10.0.0.1/mcp')).toContain('is for an https server')
  expect(problemOf('    tls: { certificate: a.pem }')).toContain('needs certificate and key together')
  expect(problemOf('    discovery: { pat: { env: A } }')).toContain('is for catalogue: discovery')
})
