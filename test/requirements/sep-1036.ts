import { ask, type Chapter, type Citation, type Requirement } from './requirement.ts'

const SHAPE: Citation = [
  'mcp/elicitation-shape',
  'asks with URL mode, a message, a valid URL and an id of its own for each question',
]
const ERROR: Citation = [
  'mcp/elicitation-shape',
  'lists in error -32042 what is required: questions of URL mode, each with its id',
]
const INITIATOR: Citation = [
  'e2e/answers',
  'after failFast the saved form is reported to the client that asked, and to no other',
]

const must = (check: string, words: string, ...tests: Citation[]): Requirement =>
  ask(`SEP-1036 ${check}`, words.includes('MUST NOT') ? 'MUST NOT' : 'MUST', `“${words}”`).tested(...tests)

/**
 * The list that the conformance project keeps for SEP-1036 (URL mode, MCP 2025-11-25), as far as it binds servers, under the names of its
 * checks. What it excludes because no wire shows it is in the chapter on MCP 2025-11-25.
 */
export const sep1036: Chapter = {
  title: 'MCP 2025-11-25: SEP-1036, URL-mode elicitation',
  quoted: true,
  requirements: [
    must(
      'server-no-undeclared-mode',
      'Servers MUST NOT send elicitation requests with modes that are not supported by the client.',
      ['e2e/answers', 'a client without URL mode is answered in words, and nothing else is sent to it'],
      ['e2e/answers', 'failFast to a client without URL mode is words'],
    ),
    must(
      'request-required-params',
      'All elicitation requests MUST include the following parameters: mode […] and message',
      SHAPE,
    ),
    must(
      'url-request-shape',
      'URL mode elicitation requests MUST specify mode: "url", a message, and include these additional parameters: url […] and elicitationId',
      SHAPE,
    ),
    must('url-param-valid', 'The url parameter MUST contain a valid URL.', SHAPE),
    must(
      'complete-notification-initiator-only',
      'Servers sending notifications MUST only send the notification to the client that initiated the elicitation request.',
      INITIATOR,
      ['e2e/blocking', "another client of the same user is woken too, and is not told of the first one's elicitation"],
    ),
    must(
      'complete-notification-elicitation-id',
      'Servers sending notifications MUST include the elicitationId established in the original elicitation/create request.',
      INITIATOR,
      ['e2e/sdk-v2', 'a client of SDK 1.x is served on the same path'],
    ),
    must(
      'error-lists-elicitations',
      'The error MUST include a list of elicitations that are required to complete before the original can be retried.',
      ERROR,
    ),
    must(
      'error-elicitations-url-mode',
      'Any elicitations returned in the error MUST be URL mode elicitations and have an elicitationId property.',
      ERROR,
    ),
    must(
      'url-elicitation-required-error-code',
      'When a request cannot be processed until an elicitation is completed: -32042 (URLElicitationRequiredError) [MUST]',
      ERROR,
      ['mcp/sdk-v2/mcp-mount', 'a stateless mount gives a client of MCP 2025-11-25 the link with -32042'],
    ),
  ],
}
