import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'

const CALLS: Readonly<Record<string, object>> = {
  echo: { message: 'hello' },
  'get-sum': { a: 2, b: 3 },
  'get-annotated-message': { messageType: 'error', includeImage: true },
  'get-resource-links': { count: 3 },
  'get-resource-reference': { resourceType: 'Text', resourceId: 1 },
  'get-structured-content': { location: 'Chicago' },
  'get-tiny-image': {},
  'get-roots-list': {},
  'gzip-file-as-resource': { name: 'a.gz', data: 'data:text/plain,hello', outputType: 'resource' },
  'trigger-long-running-operation': { duration: 0.2, steps: 2 },
  'trigger-sampling-request': { prompt: 'Why?', maxTokens: 5 },
  'trigger-elicitation-request': {},
  'no-such-tool': {},
}

/** Goes through the surface of `@modelcontextprotocol/server-everything` with a client that can do everything. */
export async function everythingTranscript(transport: Transport): Promise<readonly string[]> {
  const seen: string[] = []
  const note = (what: string, value: unknown) => void seen.push(`${what}: ${withoutChance(JSON.stringify(value))}`)
  // Over HTTP this server repeats its questions when a client takes up a stream again, which happens at any time.
  const asked = new Set<string>()
  const client = new Client(
    { name: 'everything', version: '1' },
    { capabilities: { sampling: {}, roots: { listChanged: true }, elicitation: { form: {} } } },
  )
  client.setRequestHandler(CreateMessageRequestSchema, async ({ params }) => {
    asked.add(withoutChance(JSON.stringify(params)))
    return { model: 'm', role: 'assistant', content: { type: 'text', text: 'Because.' } }
  })
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    asked.add(withoutChance(JSON.stringify(params)))
    return { action: 'accept', content: { name: 'Ada', check: true } }
  })
  client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots: [{ uri: 'file:///here', name: 'here' }] }))
  await client.connect(transport)
  try {
    note('server', [client.getServerVersion(), client.getServerCapabilities(), client.getInstructions()])
    note('prompts', await client.listPrompts())
    note('templates', await client.listResourceTemplates())
    const { resources } = await client.listResources()
    note('resources', resources)
    for (const { uri } of resources.slice(0, 3)) note('read', await client.readResource({ uri }))
    note('no resource', await client.readResource({ uri: 'demo://no/such' }).catch(String))
    for (const [name, parameters] of Object.entries(CALLS))
      note(name, await client.callTool({ name, arguments: { ...parameters } }).catch(String))
    note('tools', await client.listTools())
    note('prompt', await client.getPrompt({ name: 'args-prompt', arguments: { city: 'Bonn', state: 'NW' } }))
    note('no prompt', await client.getPrompt({ name: 'no-such-prompt' }).catch(String))
    const ref = { type: 'ref/prompt' as const, name: 'completable-prompt' }
    note('completed', await client.complete({ ref, argument: { name: 'department', value: 'S' } }))
    note('level', await client.setLoggingLevel('warning'))
    note('ping', await client.ping())
    return [...seen, ...[...asked].sort()]
  } finally {
    await client.close()
  }
}

/** Times and ids differ from run to run. */
function withoutChance(text: string | undefined): string {
  return (text ?? '')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/\d{1,2}:\d\d:\d\d(?: ?[AP]M)?/g, 'TIME')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
}
