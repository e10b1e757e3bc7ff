import { expectTypeOf, test } from 'vitest'
import type { KnownStatus } from '../../../src/core/credentials/credential-reader.ts'
import type { TRANSITIONS } from '../../../src/core/credentials/transitions.ts'
import type { CredentialState } from '../../../src/core/model/credential-state.ts'
import type { CredentialLookup, CredentialStatus } from '../../../src/core/ports/secret-backend.ts'

test('a backend answers with every state but the one that the service decides', () => {
  expectTypeOf<CredentialStatus['status'] | 'rejected'>().toEqualTypeOf<CredentialState>()
  expectTypeOf<CredentialLookup['status'] | 'rejected'>().toEqualTypeOf<CredentialState>()
  expectTypeOf<KnownStatus['status']>().toEqualTypeOf<CredentialState>()
})

test('every state is reached by a transition', () => {
  expectTypeOf<(typeof TRANSITIONS)[keyof typeof TRANSITIONS]['to']>().toEqualTypeOf<CredentialState>()
})
