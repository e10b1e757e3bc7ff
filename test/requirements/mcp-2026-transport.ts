import { page2026 as page, stateless, suite } from './quoted.ts'
import type { Chapter, Citation } from './requirement.ts'

const WIRE = 'mcp/sdk-v2/on-the-wire'
const LISTENING = 'mcp/sdk-v2/listening-streams'
const BEARER = 'web/bearer/bearer-gate'

const SHAPE: Citation = [WIRE, 'has URL mode, a message and a valid URL']
const OWN_CAPABILITIES: Citation = [WIRE, 'goes by the capabilities of its own request']
const IDS: Citation = [WIRE, 'an answer is one JSON object with the id of its request']
const ERRORS: Citation = [WIRE, 'an error has the id of its request and a code of this revision']

export const transport2026: Chapter = {
  title: 'MCP 2026-07-28: messages and transport',
  quoted: true,
  requirements: [
    ...page(
      'basic',
      ['MUST', 'Result responses MUST include the same ID as the request they correspond to.', IDS],
      ['MUST', 'The result MUST include a resultType field to indicate the type of the result.', IDS, SHAPE],
      ['MUST', 'Error responses MUST include the same ID as the request they correspond to', ERRORS],
      ['MUST', 'Error responses MUST include an error field with a code and message.', ERRORS],
      ['MUST', 'Error codes MUST be integers.', ERRORS],
      [
        'MUST NOT',
        'Implementations MUST NOT emit any code from this sub-range that is not defined by this specification',
        ERRORS,
      ],
      [
        'MUST NOT',
        'Implementations of this protocol version MUST NOT emit these codes: -32002 […], -32042',
        ERRORS,
        [WIRE, 'no way of asking answers with error -32042'],
      ],
      [
        'MUST NOT',
        'Servers MUST NOT rely on prior requests over the same connection to establish context (e.g., capabilities, protocol version, client identity).',
        OWN_CAPABILITIES,
        ['mcp/sdk-v2/mcp-mount', 'a session of MCP 2025-11-25 stays one, whatever reserved _meta a call carries'],
      ],
      [
        'MUST',
        'A request missing any required field is malformed; the server MUST reject it with JSON-RPC error code -32602',
        stateless('request-meta-invalid-missing-meta'),
        stateless('request-meta-invalid-missing-protocol-version'),
        stateless('request-meta-invalid-missing-client-capabilities'),
      ],
      ['MUST', 'On HTTP, the response status MUST be 400 Bad Request.', stateless('http-server-meta-invalid-400')],
      [
        'MUST',
        'the server MUST return a MissingRequiredClientCapabilityError (-32021) […] On HTTP, the response status MUST be 400 Bad Request.',
        ['e2e/sdk-v2', 'a client without URL mode gets the link as text, and error -32021 where the tool is strict'],
        stateless('server-rejects-undeclared-capability'),
        stateless('missing-capability-http-400'),
      ],
      [
        'MUST',
        'On notifications delivered via a subscriptions/listen stream, the server MUST include io.modelcontextprotocol/subscriptionId in _meta',
        [LISTENING, 'a stream begins with its acknowledgement, carries its own id'],
        stateless('server-tags-subscription-id'),
      ],
      [
        'MUST',
        'Clients and servers MUST support JSON Schema 2020-12 for schemas without an explicit $schema field',
        suite('json-schema-2020-12', 'json-schema-2020-12-$schema'),
      ],
    ),
    ...page(
      'basic/versioning',
      [
        'MUST',
        'If the server does not implement the requested version […] it MUST respond with an UnsupportedProtocolVersionError listing the versions it does support',
        stateless('server-unsupported-version-error'),
        stateless('http-server-unsupported-version-400'),
      ],
      ['MUST', 'Servers MUST implement server/discover.', stateless('server-implements-discover')],
    ),
    ...page(
      'basic/transports/streamable-http',
      [
        'MUST',
        'The server MUST provide a single HTTP endpoint path […] that supports POST.',
        ['e2e/sdk-v2', 'a client in mode %s is asked, and has its result'],
      ],
      [
        'MUST',
        'Servers MUST validate the Origin header on all incoming connections to prevent DNS rebinding attacks.',
        [BEARER, 'origin %j: 403 even with a good token'],
        suite('dns-rebinding-protection', 'localhost-host-rebinding-rejected'),
      ],
      [
        'MUST',
        'If the Origin header is present and invalid, servers MUST respond with HTTP 403 Forbidden.',
        [BEARER, 'origin %j: 403 even with a good token'],
      ],
      [
        'MUST',
        'If the server accepts it [a notification], the server MUST return HTTP status code 202 Accepted with no body.',
        [WIRE, 'a notification is accepted with 202 and no body'],
      ],
      [
        'MUST',
        'If the body is a JSON-RPC request, the server MUST return either Content-Type: application/json […] or Content-Type: text/event-stream',
        IDS,
        ['mcp/sdk-v2/mcp-mount', 'the answer is plain JSON, and an event stream once the tool sends progress'],
      ],
      [
        'MUST NOT',
        'The server MUST NOT send independent JSON-RPC requests on this stream.',
        stateless('http-server-no-independent-requests-on-stream'),
      ],
      [
        'MUST',
        'Closing the SSE response stream MUST be treated by the server as cancellation of that request.',
        ['mcp/sdk-v2/mcp-mount', 'a client of MCP 2026-07-28 that disconnects cancels its call'],
        ['e2e/sdk-v2', 'a client that is gone ends its wait, and no longer counts as waiting'],
      ],
      [
        'MUST',
        'If the values do not match, the server MUST reject the request with 400 Bad Request and a HeaderMismatch JSON-RPC error',
        stateless('http-server-header-mismatch-400'),
        suite('http-header-validation', 'sep-2243-server-reject-invalid-headers'),
      ],
      [
        'MUST',
        'If the server does not implement the requested RPC method, it MUST respond with 404 Not Found and a JSON-RPC error with code -32601',
        stateless('http-server-method-not-found-404'),
      ],
      [
        'MUST',
        'servers MUST decode an encoded Mcp-Name or Mcp-Param-{Name} value before comparing it to the corresponding request body value',
        [WIRE, "a tool's name that comes encoded is decoded, compared with the body and written down"],
        suite('http-custom-header-server-validation', 'sep-2243-server-decode-base64'),
      ],
      [
        'MUST',
        'Servers MUST reject requests with a recognized Mcp-Param-{Name} header that contains invalid characters',
        suite('http-custom-header-server-validation', 'sep-2243-server-reject-invalid-param-chars'),
      ],
      [
        'MUST',
        'Any server that processes the message body MUST validate that encoded header values […] match the corresponding values in the request body.',
        suite('http-custom-header-server-validation', 'sep-2243-server-validate-param-match'),
        suite('http-custom-header-server-validation', 'sep-2243-server-reject-param-mismatch'),
      ],
      [
        'MUST',
        'Clients and servers MUST use case-insensitive comparisons for header names.',
        suite('http-header-validation', 'sep-2243-header-name-case-insensitive'),
      ],
      [
        'MUST',
        'Servers that process the request body MUST reject requests where the values specified in the headers do not match',
        ['attacks/sdk-v2/state-of-another-call', 'a name that does not match the body is refused'],
        suite('http-header-validation', 'sep-2243-server-reject-invalid-headers'),
      ],
      [
        'MUST',
        'servers MUST return HTTP status 400 Bad Request and MUST include a JSON-RPC error response using the following error code: -32020',
        [WIRE, "a tool's name that comes encoded is decoded, compared with the body and written down"],
        suite('http-header-validation', 'sep-2243-server-reject-error-code'),
      ],
    ),
  ],
}
