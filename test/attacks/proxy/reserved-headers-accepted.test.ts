import { expect, test } from 'vitest'
import { parseProxyConfig } from '../../../src/proxy/config/read-config.ts'

/** A slot in a header that HTTP, MCP or the proxy itself sets would let a user's value choose the site, the session or the sender. */
const RESERVED = [
  ...['Host', 'Cookie', 'Set-Cookie', 'Connection', 'Content-Length', 'Content-Type', 'Transfer-Encoding', 'Upgrade'],
  ...['Mcp-Session-Id', 'MCP-Protocol-Version', 'Mcp-Method', 'Last-Event-ID', 'Accept', 'Origin', 'Referer', 'Via'],
  ...['Forwarded', 'X-Forwarded-For', 'X-Forwarded-User', 'X-Forwarded-Host', 'X-Real-IP', 'Proxy-Authorization'],
  ...['Sec-Fetch-Site', 'X-HTTP-Method-Override', 'Expect', 'TE', 'Trailer'],
]

const configWith = (headers: object) =>
  JSON.stringify({
    upstreams: {
      jira: {
        url: 'https://mcp.example.com/mcp',
        credential: { variables: { pat: { label: 'Token', type: 'password' } } },
        headers,
      },
    },
  })

test.each(RESERVED)('%s cannot be a slot, nor set for all users, in any spelling', (name) => {
  for (const spelling of [name, name.toLowerCase(), name.toUpperCase()])
    for (const value of ['{pat}', 'fixed'])
      expect(() =>
        parseProxyConfig(configWith({ Authorization: 'Bearer {pat}', [spelling]: value }), 'proxy.yaml'),
      ).toThrow('is a header that HTTP, MCP or the proxy itself sets')
})

test.each(['Host ', ' Host', 'Ho\nst', 'Host:', 'Hóst', ''])('%j is no name of a header', (name) => {
  const config = configWith({ Authorization: 'Bearer {pat}', [name]: '{pat}' })
  expect(() => parseProxyConfig(config, 'proxy.yaml')).toThrow('is no name of a header')
})

test('one header cannot be declared twice, so that the second would win', () => {
  const config = configWith({ Authorization: 'Bearer {pat}', authorization: 'Bearer of-the-operator' })
  expect(() => parseProxyConfig(config, 'proxy.yaml')).toThrow('names a header twice')
})
