import { page2026 as page, stateless, suite } from './quoted.ts'
import type { Chapter, Citation } from './requirement.ts'

const WIRE = 'mcp/sdk-v2/on-the-wire'

const SHAPE: Citation = [WIRE, 'has URL mode, a message and a valid URL']
const OWN_CAPABILITIES: Citation = [WIRE, 'goes by the capabilities of its own request']
const UNDECLARED: Citation = [WIRE, 'is not put to a client that declares %s']
const FORWARDED: Citation = ['attacks/link/forwarded', 'Bob opens and submits a link that Alice sent him']
const OTHER_USER: Citation = ['attacks/sdk-v2/state-of-another-user', 'Bob, with the state of Alice, is asked anew']
const ALTERED: Citation = [
  'attacks/sdk-v2/altered-state',
  'a state with one bit changed at %s of its length counts as none',
]
const SECRETS: readonly Citation[] = [
  ['attacks/sdk-v2/secret-in-a-message', 'a message by %s that contains the secret is not sent'],
  ['attacks/sdk-v2/secret-in-a-message', 'with the secret in its %s, is withheld'],
  ['canary/canary', 'no secret arrived in any sink'],
]

export const elicitation2026: Chapter = {
  title: 'MCP 2026-07-28: URL-mode elicitation and multi round-trip requests',
  quoted: true,
  requirements: [
    ...page(
      'client/elicitation',
      [
        'MUST NOT',
        'Servers MUST NOT use form mode elicitation to request sensitive information such as passwords, API keys, access tokens, or payment credentials',
        SHAPE,
        UNDECLARED,
      ],
      ['MUST', 'Servers MUST use URL mode for interactions involving such sensitive information', SHAPE],
      [
        'MUST NOT',
        'Servers MUST NOT send elicitation requests with modes that are not supported by the client.',
        UNDECLARED,
        OWN_CAPABILITIES,
      ],
      ['MUST', 'All elicitation requests MUST include the following parameters: mode, message', SHAPE],
      [
        'MUST',
        'URL mode elicitation requests MUST specify mode: "url", a message, and include these additional parameters: url',
        SHAPE,
      ],
      ['MUST', 'The url parameter MUST contain a valid URL.', SHAPE],
      [
        'MUST',
        'servers implementing elicitation MUST securely associate this state with individual users',
        OTHER_USER,
        ['core/requests/pending-requests', '%s gets its own'],
      ],
      [
        'MUST',
        'State storage MUST be protected against unauthorized access',
        ['core/requests/pending-requests', 'holds no handle, owner, client or tool'],
        ['core/requests/pending-requests', 'a record moved under another key opens for nobody'],
      ],
      [
        'MUST',
        'user identification MUST be derived from credentials acquired via MCP authorization when possible (e.g. sub claim)',
        ['identity/access-token/access-token', 'a token becomes a principal'],
        ['attacks/sdk-v2/state-of-another-user', 'without a token the state is nothing'],
      ],
      [
        'MUST NOT',
        'MCP servers MUST NOT rely on URL mode elicitation to authorize users for themselves.',
        ['attacks/sdk-v2/state-of-another-user', 'without a token the state is nothing'],
      ],
      ['MUST NOT', 'The third-party credentials MUST NOT transit through the MCP client', ...SECRETS],
      [
        'MUST NOT',
        "The MCP server MUST NOT use the client's credentials for the third-party service",
        ['canary/canary', 'no secret arrived in any sink'],
      ],
      [
        'MUST NOT',
        'The MCP server MUST NOT transmit credentials obtained through URL mode elicitation to the MCP client.',
        ...SECRETS,
      ],
      [
        'MUST',
        'Servers […] MUST handle cases where the user declines or cancels the elicitation, or where the client fails to process the request.',
        ['e2e/sdk-v2', 'declining ends the link with a text, and the next call asks anew'],
        ['e2e/sdk-v2', 'dismissing answers with the link, which still works'],
        ['e2e/sdk-v2', 'a call without an answer to the question is asked it again'],
      ],
      [
        'MUST',
        'Servers MUST bind elicitation requests to the client and user identity',
        OTHER_USER,
        ['attacks/sdk-v2/state-of-another-user', 'another client of Alice is asked anew, with a link of its own'],
      ],
      [
        'MUST NOT',
        'MUST NOT include sensitive information about the end-user, including credentials, personally identifiable information, etc., in the URL',
        SHAPE,
      ],
      [
        'MUST NOT',
        'MUST NOT provide a URL which is pre-authenticated to access a protected resource',
        [
          'attacks/link/opened-before-sign-in',
          'without a sign-in, a link shows nothing, sets nothing and takes nothing',
        ],
      ],
      [
        'MUST NOT',
        'Servers MUST NOT rely on client-provided user identification without server verification, as this can be forged.',
        ['attacks/calls/arguments-as-identity', 'takes nothing in the arguments for it'],
      ],
      [
        'MUST',
        'The MCP Server MUST verify the identity of the user who opens the URL before accepting information.',
        FORWARDED,
        [
          'attacks/link/opened-before-sign-in',
          'without a sign-in, a link shows nothing, sets nothing and takes nothing',
        ],
      ],
      [
        'MUST',
        'the server MUST ensure that the user who started the elicitation request […] is the same user who completes the authorization flow.',
        FORWARDED,
        ['attacks/link/forwarded', "a victim who is sent the attacker's own link stores nothing under the attacker"],
      ],
      [
        'MUST',
        "the server MUST ensure that the mechanism to determine the user's identity is resilient to attacks where an attacker can modify the elicitation URL.",
        ['attacks/form/parameter-pollution', 'is refused, and its parameters are not repeated'],
      ],
    ),
    ...page(
      'basic/patterns/mrtr',
      [
        'MUST',
        'Servers MUST send server-to-client requests […] using the MRTR pattern.',
        SHAPE,
        stateless('http-server-no-independent-requests-on-stream'),
      ],
      [
        'MUST NOT',
        'Servers MUST NOT send InputRequiredResult responses on any other client requests.',
        suite('input-required-result-unsupported-methods', 'sep-2322-not-on-unsupported-requests'),
      ],
      [
        'MUST',
        'inputRequests keys […] MUST be unique within the scope of the request.',
        ['e2e/sdk-v2-flows', 'a gate inside another asks for its own credential, each once'],
      ],
      [
        'MUST',
        'inputRequests values […] MUST be one of ElicitRequest, CreateMessageRequest, or ListRootsRequest',
        SHAPE,
      ],
      [
        'MUST',
        'servers MUST treat requestState as an attacker-controlled input.',
        ALTERED,
        ['attacks/sdk-v2/altered-state', 'a state that is %s counts as none'],
      ],
      [
        'MUST',
        'If requestState influences authorization, resource access, or business logic, servers MUST protect its integrity',
        ALTERED,
        ['attacks/sdk-v2/state-of-another-user', 'the state shows nothing of its owner, its link or its provider'],
      ],
      [
        'MUST',
        'and MUST reject state that fails verification.',
        ALTERED,
        ['mcp/sdk-v2/own-state', 'what the application refuses is still refused'],
        suite('input-required-result-tampered-state', 'sep-2322-reject-tampered-state'),
      ],
      ['SHOULD', 'the authenticated principal, rejecting state presented by a different principal.', OTHER_USER],
      [
        'SHOULD',
        'a short expiry (TTL), rejecting state presented after it lapses;',
        ['attacks/sdk-v2/altered-state', 'a state that has lapsed counts as none'],
      ],
      [
        'SHOULD',
        'an identifier for the originating request, […] rejecting state presented on a request that does not match.',
        ['attacks/sdk-v2/state-of-another-call', 'a state for %s counts as none'],
      ],
      [
        'MUST',
        'Servers for which a given requestState must be consumed at most once […] MUST enforce that invariant server-side.',
        ['attacks/sdk-v2/replayed-state', 'after its use, the state is a call like any other'],
        ['attacks/sdk-v2/replayed-state', 'after the credential was revoked, the state gives it back to nobody'],
      ],
      [
        'MUST',
        'Servers MUST include at least one of inputRequests or requestState in every InputRequiredResult response.',
        SHAPE,
        ['e2e/sdk-v2', 'a user who takes longer than one leg is asked once, and the state names the round'],
      ],
      [
        'MUST NOT',
        'Servers MUST NOT send an inputRequests that the client has not declared support for in its capabilities.',
        UNDECLARED,
        OWN_CAPABILITIES,
      ],
      [
        'MUST NOT',
        'Servers MUST NOT assume that clients will fulfill the inputRequests or retry the original request.',
        [WIRE, 'leaves nothing behind that waits'],
        ['e2e/sdk-v2', 'a client that is gone ends its wait, and no longer counts as waiting'],
      ],
    ),
  ],
}
