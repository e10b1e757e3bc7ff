import { expect, test } from 'vitest'
import {
  decideGate,
  type GateDecision,
  type GateFacts,
  UNHEARD_WAIT_SECONDS,
} from '../../../src/core/gate/gate-decision.ts'

const facts: GateFacts = {
  client: 'url-elicitation',
  credential: 'absent',
  progress: false,
  failFast: false,
  repeats: false,
  strict: false,
  tokenTimeoutSeconds: 300,
}

const rows: readonly [string, Partial<GateFacts>, GateDecision][] = [
  ['an active credential runs the handler', { credential: 'active' }, { action: 'run' }],
  ['… whatever the client can do', { credential: 'active', client: 'unknown', failFast: true }, { action: 'run' }],
  [
    'a client with URL mode is asked, and answered before its own timer ends',
    {},
    { action: 'ask-and-wait', waitSeconds: UNHEARD_WAIT_SECONDS, keepAlive: false },
  ],
  [
    'a client that hears progress is kept waiting as long as the provider says',
    { progress: true },
    { action: 'ask-and-wait', waitSeconds: 300, keepAlive: true },
  ],
  [
    'a short provider timeout holds for both',
    { tokenTimeoutSeconds: 20 },
    { action: 'ask-and-wait', waitSeconds: 20, keepAlive: false },
  ],
  [
    'a revoked credential is asked for like an absent one',
    { credential: 'revoked' },
    { action: 'ask-and-wait', waitSeconds: UNHEARD_WAIT_SECONDS, keepAlive: false },
  ],
  [
    'failFast answers with -32042 and tells of completion',
    { failFast: true },
    { action: 'answer-url-required', notifyCompletion: true },
  ],
  ['a client without URL mode gets words', { client: 'no-url-elicitation' }, { action: 'answer-text' }],
  [
    '… even with failFast: nothing undeclared is sent',
    { client: 'no-url-elicitation', failFast: true },
    { action: 'answer-text' },
  ],
  [
    'a stateless mount always answers with -32042',
    { client: 'unknown' },
    { action: 'answer-url-required', notifyCompletion: false },
  ],
  [
    '… progress or not',
    { client: 'unknown', progress: true },
    { action: 'answer-url-required', notifyCompletion: false },
  ],
]

test.each(rows)('%s', (_, change, decision) => {
  expect(decideGate({ ...facts, ...change })).toEqual(decision)
})
