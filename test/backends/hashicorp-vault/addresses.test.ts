import { expect, test } from 'vitest'
import { parseAddress } from '../../../src/backends/hashicorp-vault/transport/addresses.ts'

test.each([
  ['https://vault.example.com:8200', { origin: 'https://vault.example.com:8200', socketPath: undefined }],
  ['http://127.0.0.1:8200', { origin: 'http://127.0.0.1:8200', socketPath: undefined }],
  ['unix:///run/vault%20agent.sock', { origin: 'http://localhost', socketPath: '/run/vault agent.sock' }],
])('%s', (text, address) => {
  expect(parseAddress(text, false)).toEqual(address)
})

test.each([
  ['http://vault.example.com:8200', 'in clear'],
  ['https://user:pw@vault.example.com', 'nothing but scheme, host and port'],
  ['https://vault.example.com/v1', 'nothing but scheme, host and port'],
  ['unix:run/vault.sock', 'https://host:port or unix:///path'],
  ['unix:///', 'https://host:port or unix:///path'],
  ['unix:///run/%zz.sock', 'percent encoding'],
  ['vault.example.com', 'https://host:port or unix:///path'],
])('%s is refused', (text, problem) => {
  expect(() => parseAddress(text, false)).toThrow(
    expect.objectContaining({ code: 'configuration_invalid', message: expect.stringContaining(problem) }),
  )
})
