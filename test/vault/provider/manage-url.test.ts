import { expect, test } from 'vitest'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { thrownError } from '../../harness/thrown-error.ts'

const provider = (manageUrl: string) =>
  new CredentialsProvider({ name: 'jira', variables: { pat: { label: 'Token', type: 'password' } }, manageUrl })

test.each(['https://id.example.com/tokens?tab=api#list', 'http://localhost:8006/tokens', 'http://127.0.0.1/'])(
  'a provider may name %s as the page of its tokens',
  (url) => expect(() => provider(url)).not.toThrow(),
)

test.each([
  'http://id.example.com/tokens',
  'javascript:alert(1)',
  'data:text/html,x',
  '/tokens',
  'https://alice:pw@id.example.com',
])('a provider cannot lead its users to %s', (url) => {
  const error = thrownError(() => provider(url))
  expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'option' })
  expect(error).toMatchObject({
    message:
      'CredentialsProvider.manageUrl: must be an https URL without user and password, or http on loopback. Correct it.',
  })
})
