import { expectTypeOf, test } from 'vitest'
import type { TRANSITIONS } from '../../../src/core/journal/transitions.ts'
import { stateOf } from '../../../src/core/lifecycle/state-of.ts'
import type { CredentialState } from '../../../src/core/model/credential-state.ts'
import type { CredentialLookup, CredentialStatus } from '../../../src/core/ports/secret-backend.ts'

type OfLabelsAndFields = 'rejected' | 'expired' | 'incomplete'

test('a backend answers with every state but those that labels and fields decide', () => {
  expectTypeOf<CredentialStatus['status'] | OfLabelsAndFields>().toEqualTypeOf<CredentialState>()
  expectTypeOf<CredentialLookup['status'] | OfLabelsAndFields>().toEqualTypeOf<CredentialState>()
  expectTypeOf(stateOf).returns.toEqualTypeOf<CredentialState>()
})

test('every state is reached by a transition', () => {
  expectTypeOf<(typeof TRANSITIONS)[keyof typeof TRANSITIONS]['to']>().toEqualTypeOf<CredentialState>()
})
