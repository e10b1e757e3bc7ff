import { page2026 as page, stateless, suite } from './quoted.ts'
import { ask, type Chapter, type Citation } from './requirement.ts'

const WIRE = 'mcp/sdk-v2/on-the-wire'
const LISTENING = 'mcp/sdk-v2/listening-streams'
const BEARER = 'web/bearer/bearer-gate'

const AUDIENCE: Citation = ['attacks/token/other-audience', 'a token for %j is refused']
const CANARY: Citation = ['canary/canary', 'no secret arrived in any sink']
const KINDS = 'e2e/gated-kinds'
const LISTS: Citation = ['e2e/lists', '%s: all lists are byte-identical before and after saving']
const STDIO: Citation = [
  'mcp/sdk-v2/stdio-and-low-level',
  'sends no requests of its own, and nothing more for a cancelled call',
]
const METADATA: Citation = [BEARER, 'is the same at the inserted path and at the root, and never takes up the host']
const SAME_LIST: Citation = [
  'mcp/sdk-v2/mcp-mount',
  'the list of tools is the same, byte for byte, before and after the credential is there',
]
const SCOPE: Citation = [
  'mcp/sdk-v2/mcp-mount',
  'a tool that needs another scope is answered with 403 and the challenge',
]

export const server2026: Chapter = {
  title: 'MCP 2026-07-28: tools, streams of notifications, caching',
  quoted: true,
  requirements: [
    ...page(
      'server/tools',
      [
        'MUST',
        'Servers that support tools MUST declare the tools capability',
        stateless('discover-capabilities-match-handlers'),
      ],
      [
        'MUST NOT',
        'but MUST NOT vary per-connection or as a side effect of other requests on the connection.',
        SAME_LIST,
      ],
      [
        'SHOULD',
        'Servers SHOULD return tools in a deterministic order',
        SAME_LIST,
        suite('tools-list', 'tools-list-deterministic-order'),
      ],
      ['MUST', 'inputSchema […] MUST be a valid JSON Schema object (not null)', suite('tools-list', 'tools-list')],
      [
        'MUST',
        'Servers MUST […] Implement proper access controls',
        ['e2e/sdk-v2', 'a client in mode %s is asked, and has its result'],
        ['attacks/token/on-an-open-session', 'a token that lacks a scope is refused on an open session'],
      ],
      [
        'MUST',
        'Servers MUST […] Sanitize tool outputs',
        ['attacks/sdk-v2/secret-in-a-message', 'with the secret in its %s, is withheld'],
      ],
    ),
    ask('MCP 2026-07-28 server/tools 7', 'MUST', '“Servers MUST […] Validate all tool inputs”').reasoned(
      'The SDK checks them against the schema that the operator gives; tools of our own there are none.',
    ),
    ask('MCP 2026-07-28 server/tools 8', 'MUST', '“Servers MUST […] Rate limit tool invocations”').reasoned(
      'Waiting calls, links and open responses are limited for each owner; how often an operator’s tool may run is theirs to say.',
    ),
    ...page(
      'basic/patterns/subscriptions',
      [
        'MUST NOT',
        'The server MUST NOT send notification types the client has not explicitly requested.',
        [LISTENING, 'and only what its client asked for'],
        stateless('server-honors-notification-filter'),
      ],
      [
        'MUST',
        'The server MUST send notifications/subscriptions/acknowledged as the first message carrying the subscription’s ID',
        [LISTENING, 'a stream begins with its acknowledgement, carries its own id'],
        stateless('server-sends-subscription-ack'),
      ],
      [
        'MUST NOT',
        'and MUST NOT send any notification on the subscription before it.',
        [LISTENING, 'a stream begins with its acknowledgement, carries its own id'],
      ],
    ),
    ...page(
      'basic/patterns/cancellation',
      [
        'MUST',
        'The server MUST treat a client disconnect as cancellation of that request.',
        ['mcp/sdk-v2/mcp-mount', 'a client of MCP 2026-07-28 that disconnects cancels its call'],
      ],
      ['MUST NOT', 'Servers MUST NOT send notifications/cancelled for any other purpose.', STDIO],
      ['MUST', 'Both parties MUST handle these race conditions gracefully', STDIO],
    ),
    ask(
      'MCP 2026-07-28 basic/patterns/cancellation 4',
      'MUST',
      '“A server MUST send notifications/cancelled referencing a subscriptions/listen request ID when it tears down that subscription stream”',
    ).reasoned(
      'The page on subscriptions has it answer the request with an empty result instead. The SDK does that, and its client takes it for an end on purpose.',
    ),
    ...page(
      'basic/patterns/progress',
      [
        'MUST',
        'The progress value MUST increase with each notification, even if the total is unknown.',
        [WIRE, 'progress increases with each notification, has the token of its own call'],
        ['core/gate/gate', 'while it waits the client hears of it, more with each beat'],
      ],
      [
        'MUST',
        'Progress notifications MUST only reference tokens that: Were provided in an active request',
        [WIRE, 'progress increases with each notification, has the token of its own call'],
      ],
      [
        'MUST',
        'Progress notifications MUST stop after completion',
        [WIRE, 'has the token of its own call, and ends with the answer'],
      ],
    ),
    ...page(
      'server/prompts',
      [
        'MUST',
        'Servers that support prompts MUST declare the prompts capability',
        stateless('server-declares-prompts-in-discover'),
      ],
      [
        'MUST',
        'Servers that declare the prompts capability MUST respond to prompts/list requests',
        suite('prompts-list', 'prompts-list'),
      ],
      ['MUST NOT', '[the set of prompts] MUST NOT vary per-connection or as a side effect of other requests', LISTS],
      [
        'MUST',
        'The image data MUST be base64-encoded and include a valid MIME type.',
        suite('prompts-get-with-image', 'prompts-get-with-image'),
      ],
      [
        'MUST',
        'Resources […] MUST include: A valid resource URI, The appropriate MIME type, Either text content or base64-encoded blob data',
        suite('prompts-get-embedded-resource', 'prompts-get-embedded-resource'),
      ],
      [
        'MUST',
        'Implementations MUST carefully validate all prompt inputs and outputs to prevent injection attacks or unauthorized access to resources.',
        ['attacks/sdk-v2/state-of-a-prompt', '%s is asked anew with it, waits for nothing and ends nothing'],
        [KINDS, '%s: the user is asked once, the handler runs, and the next one asks nothing'],
      ],
    ),
    ...page(
      'server/resources',
      [
        'MUST',
        'Servers that support resources MUST declare the resources capability',
        stateless('discover-capabilities-match-handlers'),
        suite('resources-list', 'resources-list'),
      ],
      [
        'MUST',
        'Servers that declare the resources capability MUST respond to resources/list requests',
        suite('resources-list', 'resources-list'),
      ],
      ['MUST NOT', '[the set of resources] MUST NOT vary per-connection or as a side effect of other requests', LISTS],
      [
        'MUST',
        'If the requested resource does not exist, servers MUST return a JSON-RPC error with code -32602 (Invalid Params).',
        suite('sep-2164-resource-not-found', 'sep-2164-error-code'),
      ],
      [
        'MUST NOT',
        'Servers MUST NOT return an empty contents array for a non-existent resource.',
        suite('sep-2164-resource-not-found', 'sep-2164-no-empty-contents'),
      ],
      ['MUST', 'Binary data MUST be properly encoded', suite('resources-read-binary', 'resources-read-binary')],
      [
        'SHOULD',
        'Access controls SHOULD be implemented for sensitive resources',
        [KINDS, '%s: a client without URL mode gets an error with the link'],
      ],
    ),
    ask('MCP 2026-07-28 server/resources 8', 'MUST', '“Servers MUST validate all resource URIs”').reasoned(
      'The SDK finds a resource by its exact URI, or by a template of the operator’s; the gate neither resolves nor opens one.',
    ),
    ask(
      'MCP 2026-07-28 server/resources 9',
      'MUST',
      '“Servers MUST sanitize file paths to prevent directory traversal attacks when serving file:// resources”',
    ).reasoned('The library serves no files; what a resource reads is its operator’s own code.'),
    ...page(
      'basic/transports/stdio',
      [
        'MUST NOT',
        'The server MUST NOT write anything to its stdout that is not a valid MCP message.',
        ['examples/stdio', 'stdout holds nothing but the protocol'],
      ],
      ['MUST NOT', 'Messages are delimited by newlines, and MUST NOT contain embedded newlines.', STDIO],
      ['MUST NOT', 'The server MUST NOT write JSON-RPC requests to stdout.', STDIO],
      [
        'MUST NOT',
        'Servers SHOULD stop work on a cancelled request as soon as practical and MUST NOT send any further messages for it.',
        STDIO,
      ],
    ),
    ...page('server/discover', [
      'MUST',
      'Servers MUST implement it.',
      stateless('server-implements-discover'),
      stateless('server-declares-prompts-in-discover'),
    ]),
  ],
}

export const authorization2026: Chapter = {
  title: 'MCP 2026-07-28: authorization',
  quoted: true,
  requirements: [
    ...page(
      'basic/authorization',
      ['MUST', 'MCP servers MUST implement OAuth 2.0 Protected Resource Metadata (RFC9728).', METADATA],
      [
        'MUST',
        'MCP servers, acting in their role as an OAuth 2.1 resource server, MUST validate access tokens',
        [BEARER, 'a bad token: 401 invalid_token'],
        ['attacks/token/on-an-open-session', 'a token %s is refused on an open session'],
      ],
      [
        'MUST',
        'MCP servers MUST validate that access tokens were issued specifically for them as the intended audience',
        AUDIENCE,
      ],
      [
        'MUST',
        'If validation fails, servers MUST respond according to OAuth 2.1 Section 5.3 error handling requirements. Invalid or expired tokens MUST receive a HTTP 401 response.',
        [BEARER, 'a bad token: 401 invalid_token'],
      ],
      ['MUST', 'MCP servers MUST only accept tokens that are valid for use with their own resources.', AUDIENCE],
      [
        'MUST NOT',
        'MCP servers MUST NOT accept or transit any other tokens.',
        ['attacks/token/other-issuer', 'a token of another identity provider is refused'],
        CANARY,
      ],
      [
        'SHOULD NOT',
        'MCP Servers (Protected Resources) SHOULD NOT include offline_access in WWW-Authenticate scope',
        ['identity/access-token/access-token', 'what clients are told is what is accepted'],
      ],
      [
        'MUST',
        'Servers MUST return appropriate HTTP status codes for authorization errors',
        [BEARER, '%s: 401 and a challenge without an error'],
        [BEARER, '%s: 400 invalid_request'],
        [BEARER, 'a good token without a scope: 403 insufficient_scope'],
      ],
      [
        'SHOULD',
        'the server SHOULD respond with: HTTP 403 Forbidden […] error="insufficient_scope" […] scope […] resource_metadata',
        SCOPE,
      ],
      ['SHOULD', 'servers SHOULD include all scopes required for the current operation in a single challenge.', SCOPE],
    ),
    ask(
      'MCP 2026-07-28 basic/authorization 11',
      'MUST',
      '“Servers MUST account for scope hierarchies, where a broader scope implies narrower ones”',
    ).reasoned(
      'What a scope implies is the operator’s to say: `verifyToken` may add the scopes that a broader one stands for, and `scopeChallenge` takes a function.',
    ),
    ...page(
      'basic/authorization/security-considerations',
      [
        'MUST',
        'MCP servers MUST validate that tokens presented to them were specifically issued for their use',
        AUDIENCE,
      ],
      [
        'MUST',
        'Clients and servers MUST implement secure token storage',
        CANARY,
        ['core/requests/pending-requests', 'holds no handle, owner, client or tool'],
      ],
      [
        'MUST',
        'All authorization server endpoints MUST be served over HTTPS.',
        ['identity/issuer/issuer-metadata', 'metadata with %j prevents opening'],
      ],
      [
        'MUST',
        'MCP servers MUST validate access tokens before processing the request',
        [BEARER, 'a bad token: 401 invalid_token'],
        ['attacks/sdk-v2/state-of-another-user', 'without a token the state is nothing'],
      ],
      ['MUST NOT', 'The MCP server MUST NOT pass through the token it received from the MCP client.', CANARY],
    ),
  ],
}
