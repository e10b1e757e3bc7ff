import { randomBytes } from 'node:crypto'
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  type InputRequest,
  inputRequired,
  inputResponse,
  type McpServer,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { ToolExtra } from '../../src/mcp/sdk-v2/index.ts'
import { text } from './fixtures.ts'

/** The fixture's own states, beside the gate's. */
export const states = createRequestStateCodec<{ step: number }>({ key: randomBytes(32) })

const ask = (message: string, field: string, type: 'string' | 'boolean' = 'string') =>
  inputRequired.elicit({
    message,
    requestedSchema: {
      type: 'object',
      properties: { [field]: type === 'string' ? { type: 'string' } : { type: 'boolean' } },
      required: [field],
    },
  })
const sampling = (words: string, maxTokens: number) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: text(words) }], maxTokens })
const done = (words: string) => ({ content: [text(words)] })
const NAME = z.object({ name: z.string() })

/** Tools and a prompt that ask by their result (MCP 2026-07-28, multi round-trip requests). */
export function offerInputRequired(server: McpServer): void {
  const offer = (name: string, run: (ctx: ToolExtra) => ToolResult) =>
    server.registerTool(name, { description: `The tool ${name}.` }, run)

  offer('test_input_required_result_elicitation', ({ mcpReq }) => {
    const given = acceptedContent(mcpReq.inputResponses, 'user_name', NAME)
    return given
      ? done(`Hello, ${given.name}!`)
      : inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name') } })
  })
  offer('test_streaming_elicitation', async ({ mcpReq }) => {
    if (inputResponse(mcpReq.inputResponses, 'go_on').kind !== 'missing') return done('went on')
    await mcpReq.notify({ method: 'notifications/progress', params: { progressToken: 'none', progress: 1 } })
    return inputRequired({ inputRequests: { go_on: ask('Go on?', 'ok', 'boolean') } })
  })
  offerOtherQuestions(offer)
  offerStates(offer)
  server.registerPrompt('test_input_required_result_prompt', { description: 'Asks first.' }, ({ mcpReq }) => {
    const given = acceptedContent(mcpReq.inputResponses, 'user_context', z.object({ context: z.string() }))
    if (!given)
      return inputRequired({ inputRequests: { user_context: ask('What context should the prompt use?', 'context') } })
    return { messages: [{ role: 'user', content: text(given.context) }] }
  })
}

type ToolResult =
  | ReturnType<typeof done>
  | ReturnType<typeof inputRequired>
  | Promise<ReturnType<typeof done> | ReturnType<typeof inputRequired>>
type Offer = (name: string, run: (ctx: ToolExtra) => ToolResult) => void

function offerOtherQuestions(offer: Offer): void {
  offer('test_input_required_result_sampling', ({ mcpReq }) => {
    const given = inputResponse(mcpReq.inputResponses, 'capital_question')
    if (given.kind === 'sampling') return done(JSON.stringify(given.result.content))
    return inputRequired({ inputRequests: { capital_question: sampling('What is the capital of France?', 100) } })
  })
  offer('test_input_required_result_list_roots', ({ mcpReq }) => {
    const given = inputResponse(mcpReq.inputResponses, 'client_roots')
    if (given.kind === 'roots') return done(given.roots.map(({ uri }) => uri).join(', '))
    return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
  })
  offer('test_input_required_result_capabilities', ({ mcpReq }) => {
    const envelope: Readonly<Record<string, unknown>> = mcpReq.envelope ?? {}
    const declared = envelope[CLIENT_CAPABILITIES_META_KEY] as { sampling?: unknown; elicitation?: unknown } | undefined
    const inputRequests: Record<string, InputRequest> = {
      ...(declared?.sampling ? { sample: sampling('Say something.', 50) } : {}),
      ...(declared?.elicitation ? { name: ask('What is your name?', 'name') } : {}),
    }
    return Object.keys(inputRequests).length === 0 ? done('nothing to ask with') : inputRequired({ inputRequests })
  })
  offer('test_missing_capability', ({ mcpReq }) =>
    inputResponse(mcpReq.inputResponses, 'needed').kind === 'sampling'
      ? done('sampled')
      : inputRequired({ inputRequests: { needed: sampling('Say something.', 50) } }),
  )
}

function offerStates(offer: Offer): void {
  const confirm = ask('Please confirm', 'ok', 'boolean')
  for (const name of ['test_input_required_result_request_state', 'test_input_required_result_tampered_state'])
    offer(name, async ({ mcpReq }) => {
      if (mcpReq.requestState<{ step: number }>()?.step === 1) return done('state-ok')
      return inputRequired({ inputRequests: { confirm }, requestState: await states.mint({ step: 1 }) })
    })
  offer('test_input_required_result_multiple_inputs', async ({ mcpReq }) => {
    const given = (key: string) => inputResponse(mcpReq.inputResponses, key).kind
    if (given('user_name') === 'elicit' && given('greeting') === 'sampling' && given('client_roots') === 'roots')
      return done('all given')
    return inputRequired({
      inputRequests: {
        user_name: ask('What is your name?', 'name'),
        greeting: sampling('Generate a greeting', 50),
        client_roots: inputRequired.listRoots(),
      },
      requestState: await states.mint({ step: 1 }),
    })
  })
  offer('test_input_required_result_multi_round', async ({ mcpReq }) => {
    const step = mcpReq.requestState<{ step: number }>()?.step ?? 0
    if (step === 2) return done('both given')
    const inputRequests: Record<string, InputRequest> =
      step === 1
        ? { step2: ask('Step 2: What is your favorite color?', 'color') }
        : { step1: ask('Step 1: What is your name?', 'name') }
    return inputRequired({ inputRequests, requestState: await states.mint({ step: step + 1 }) })
  })
}
