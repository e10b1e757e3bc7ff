// Runs README's example, and calls its tool as a signed-in user who has no credential yet: the answer is the link to the form.
import assert from 'node:assert/strict'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'

const example = process.argv[2]
await import(example)
const { server } = await import(example.replace('readme', 'your-server'))

const [near, far] = InMemoryTransport.createLinkedPair()
const send = near.send.bind(near)
const authInfo = {
  token: 'unused',
  clientId: 'client',
  scopes: [],
  extra: { iss: 'https://login.example.com', sub: 'alice' },
}
near.send = (message, options) => send(message, { ...options, authInfo })
await server.connect(far)
const client = new Client({ name: 'caller', version: '1.0.0' })
await client.connect(near)
const result = await client.callTool({ name: 'create_issue', arguments: { title: 'Printer is on fire' } })
assert(result.isError)
assert.match(result.content[0].text, /https:\/\/mcp\.example\.com\/credentials\/jira\/entry\?t=[\w-]{43}/)
process.exit(0)
