import { expect, test } from 'vitest'
import {
  decideGate,
  decideLeg,
  type GateDecision,
  type GateFacts,
  type LegDecision,
  type LegFacts,
  UNHEARD_WAIT_SECONDS,
} from '../../../src/core/gate/gate-decision.ts'

const facts: GateFacts = {
  client: 'url-elicitation',
  credential: 'absent',
  progress: false,
  failFast: false,
  silent: false,
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
  [
    'a client that handles -32042 without declaring it gets that, and no more',
    { client: 'url-error', progress: true },
    { action: 'answer-url-required', notifyCompletion: false },
  ],
  ['… but words where it repeats its calls', { client: 'url-error', repeats: true }, { action: 'answer-text' }],
  ['a silent call is answered with nothing', { silent: true }, { action: 'answer-nothing' }],
  [
    '… whatever the client can do',
    { silent: true, client: 'unknown', repeats: true, strict: true },
    { action: 'answer-nothing' },
  ],
  ['… but runs with a credential', { silent: true, credential: 'active' }, { action: 'run' }],
  ['a client that repeats its calls is asked by the result', { repeats: true }, { action: 'ask-by-result' }],
  ['… with failFast too', { repeats: true, failFast: true }, { action: 'ask-by-result' }],
  ['… and gets words without URL mode', { repeats: true, client: 'no-url-elicitation' }, { action: 'answer-text' }],
  ['… or where it is not known', { repeats: true, client: 'unknown' }, { action: 'answer-text' }],
  [
    "… unless the tool is strict, so that the SDK answers with the protocol's error",
    { repeats: true, client: 'no-url-elicitation', strict: true },
    { action: 'ask-by-result' },
  ],
]

test.each(rows)('%s', (_, change, decision) => {
  expect(decideGate({ ...facts, ...change })).toEqual(decision)
})

const leg: LegFacts = { round: undefined, answer: undefined, failFast: false, tokenTimeoutSeconds: 600 }

const legs: readonly [string, Partial<LegFacts>, LegDecision][] = [
  ['a leg without a state asks', {}, { action: 'ask' }],
  ['… whatever it answers to', { answer: 'accept' }, { action: 'ask' }],
  ['the state alone is no answer to the question', { round: 0 }, { action: 'ask' }],
  ['… and neither is a failure', { round: 0, answer: 'failed' }, { action: 'ask' }],
  ['consent waits', { round: 0, answer: 'accept' }, { action: 'hold', seconds: 45, next: 1 }],
  ['a later leg waits without an answer', { round: 3 }, { action: 'hold', seconds: 45, next: 4 }],
  ['the eighth leg is the last', { round: 7 }, { action: 'hold', seconds: 45, next: undefined }],
  ['a decline ends any leg', { round: 3, answer: 'decline' }, { action: 'give-up', answer: 'decline' }],
  ['a dismissal too', { round: 0, answer: 'cancel' }, { action: 'give-up', answer: 'cancel' }],
  [
    'all legs together wait as long as the provider says',
    { round: 2, tokenTimeoutSeconds: 100 },
    { action: 'hold', seconds: 10, next: undefined },
  ],
  ['… and no longer', { round: 5, tokenTimeoutSeconds: 100 }, { action: 'hold', seconds: 0, next: undefined }],
  [
    'failFast waits for nothing',
    { round: 0, answer: 'accept', failFast: true },
    { action: 'hold', seconds: 0, next: 1 },
  ],
  ['… and says so in the next leg', { round: 1, failFast: true }, { action: 'hold', seconds: 0, next: undefined }],
]

test.each(legs)('leg: %s', (_, change, decision) => {
  expect(decideLeg({ ...leg, ...change })).toEqual(decision)
})
