import { expect, test } from 'vitest'
import { createStores } from '../../../src/vault/environment/create-stores.ts'

test('a password in the URL that is not encoded is a mistake in a variable, and is not shown', () => {
  const environment = { MCP_VAULT_BACKEND: 'memory', MCP_REDIS_URL: 'rediss://mcp:50%off@redis.example.com' }
  let thrown: unknown
  try {
    createStores(environment)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toMatchObject({ code: 'configuration_invalid' })
  expect(String(thrown)).toContain('MCP_REDIS_URL')
  expect(String(thrown)).not.toContain('off')
})
