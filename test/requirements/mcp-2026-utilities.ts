import { page2026 as page, stateless, suite } from './quoted.ts'
import { ask, type Chapter, type Citation } from './requirement.ts'

const WIRE = 'mcp/sdk-v2/on-the-wire'

const LOGS: Citation = [WIRE, 'log messages come at the level that a request asks for']
const DECLARED: Citation = [WIRE, 'a server declares what its tools, prompts, completions and log messages need']
const NOTHING: Citation = ['e2e/gated-kinds', '%s completion: nothing without a credential, and no link']
const OWN_ONLY: readonly Citation[] = [
  ['attacks/sdk-v2/resource-in-a-shared-cache', 'a resource behind the gate is never offered to a shared cache'],
  [
    'attacks/sdk-v2/cache-scope-left-undefined',
    'a gated resource whose handler leaves the scope %s is not offered to a shared cache',
  ],
]

export const utilities2026: Chapter = {
  title: 'MCP 2026-07-28: completion, logging, pagination, caching',
  quoted: true,
  requirements: [
    ...page(
      'server/utilities/completion',
      ['MUST', 'Servers that support completions MUST declare the completions capability', DECLARED],
      [
        'MUST',
        'Implementations MUST: Validate all completion inputs',
        [
          WIRE,
          'a completion of what is no text, or of a prompt that there is not, is an error and reaches no completer',
        ],
      ],
      ['MUST', 'Implementations MUST: […] Control access to sensitive suggestions', NOTHING],
      [
        'MUST',
        'Implementations MUST: […] Prevent completion-based information disclosure',
        NOTHING,
        [
          'attacks/sdk-v2/token-in-the-context-of-a-completer',
          "a completer's context shows no access token when it is printed",
        ],
      ],
    ),
    ask(
      'MCP 2026-07-28 server/utilities/completion 5',
      'MUST',
      '“Implementations MUST: […] Implement appropriate rate limiting”',
    ).reasoned(
      'Open responses are limited for each owner, and a completion makes no link; how often a completer may run is its operator’s to say.',
    ),
    ...page(
      'server/utilities/logging',
      ['MUST', 'Servers that emit log message notifications MUST declare the logging capability', DECLARED],
      [
        'MUST NOT',
        'The server MUST NOT emit notifications/message for a request that does not include this field.',
        LOGS,
        stateless('server-no-log-without-loglevel'),
      ],
      [
        'MUST NOT',
        'the server MUST NOT deliver it on a subscriptions/listen stream or on any stream other than the one carrying the response to the request that set the log level.',
        LOGS,
        ['mcp/sdk-v2/listening-streams', 'carries its own id, and only what its client asked for'],
      ],
      [
        'MUST NOT',
        'Log messages MUST NOT contain: Credentials or secrets',
        ['attacks/sdk-v2/secret-in-a-message', 'a message by %s that contains the secret is not sent'],
        ['canary/canary', 'no secret arrived in any sink'],
      ],
    ),
    ask(
      'MCP 2026-07-28 server/utilities/logging 5',
      'MUST NOT',
      '“Log messages MUST NOT contain: […] Personal identifying information, Internal system details that could aid attacks”',
    ).reasoned('The library sends clients no log messages of its own; what a tool logs is its operator’s own code.'),
    ask(
      'MCP 2026-07-28 server/utilities/pagination 1',
      'SHOULD',
      '“Invalid cursors SHOULD result in an error with code -32602 (Invalid params).”',
    ).reasoned(
      'No MUST of that page binds servers. The SDK puts each list on one page and makes no cursors; a low-level server checks its own.',
    ),
    ...page(
      'server/utilities/caching',
      [
        'MUST',
        'Servers MUST include caching hints on results with resultType: "complete" returned by the following operations',
        ...['tools-list', 'prompts-list', 'resources-list', 'resources-templates-list', 'resources-read'].map((name) =>
          suite('caching', `sep-2549-${name}-caching-hints`),
        ),
      ],
      ['MUST', 'Servers MUST provide a ttlMs value that is >= 0.', suite('caching', 'sep-2549-ttl-non-negative')],
      [
        'MUST',
        'Servers MUST be aware that responses with a "public" cacheScope may be shared between callers',
        ...OWN_ONLY,
      ],
      [
        'MUST NOT',
        'MUST apply appropriate per-primitive access controls, and MUST NOT rely on cacheScope alone to prevent unauthorized access to primitives.',
        ['e2e/gated-kinds', '%s: the user is asked once, the handler runs, and the next one asks nothing'],
      ],
    ),
    ask(
      'MCP 2026-07-28 server/utilities/caching 5',
      'MUST',
      '“Servers MUST apply the same cacheScope to all response pages for a given list request.”',
    ).reasoned('The SDK puts each list on one page; the mount changes no list.'),
  ],
}

/** With `clientLogin`, the server is the authorization server of its clients. */
export const registration2026: Chapter = {
  title: 'MCP 2026-07-28: registration of clients, with clientLogin',
  quoted: true,
  requirements: [
    ...page(
      'basic/authorization/client-registration',
      [
        'MUST',
        'MUST validate that the fetched document’s client_id matches the URL exactly',
        ['attacks/client-login/foreign-document', 'a document with %s'],
      ],
      [
        'MUST',
        'MUST validate redirect URIs presented in an authorization request against those in the metadata document',
        ['attacks/client-login/foreign-document', 'a document may not send people to %s'],
      ],
      [
        'MUST',
        'MUST validate the document structure is valid JSON and contains required fields',
        ['attacks/client-login/foreign-document', 'a document with %s'],
        ['attacks/client-login/foreign-document', 'a document that is nested without end'],
      ],
      [
        'SHOULD',
        'SHOULD fetch metadata documents when encountering URL-formatted client_ids',
        ['attacks/client-login/foreign-document', 'a good document: the page names its host'],
      ],
    ),
    ask(
      'MCP 2026-07-28 basic/authorization/client-registration 5',
      'SHOULD',
      '“SHOULD cache metadata respecting HTTP cache headers”',
    ).reasoned(
      'A document is kept for a minute, whatever its host says, so that what a host takes back ends soon and strangers cannot make the server ask often.',
    ),
  ],
}
