// Nothing is installed here but the tarball. What needs an optional peer says which one.
import assert from 'node:assert/strict'
import { CredentialsProvider, memoryBackend, openLocalVault, openVault } from 'mcp-credential-vault'
import { awsSecretsManagerBackend } from 'mcp-credential-vault/backends/aws-secrets-manager'
import { vaultBackend } from 'mcp-credential-vault/backends/vault'

const vault = await openVault({ serverBaseUrl: 'http://localhost:8005', backend: memoryBackend(), warn: () => {} })
new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token', type: 'password' } } })
assert(vault.openPaths.length > 0)
await vault.close()

const missing = (name) => ({
  code: 'configuration_invalid',
  reason: 'package_missing',
  message: new RegExp(`npm install ${name}$`),
})
const address = 'https://vault.example.com'
await assert.rejects(vaultBackend({ address, auth: { method: 'token', token: 's.x' } }).open(), missing('node-vault'))
const aws = awsSecretsManagerBackend({ region: 'eu-central-1' })
await assert.rejects(aws.open(), missing('@aws-sdk/client-secrets-manager'))
await assert.rejects(import('mcp-credential-vault/mcp/sdk-v1'), /Cannot find package '@modelcontextprotocol\/sdk'/)

// The gate itself needs no SDK: this client is all that it meets.
const inside = (path) => import(new URL(path, import.meta.resolve('mcp-credential-vault')).href)
const { passGate } = await inside('core/gate/gate.js')
const { createToolCall } = await inside('core/gate/tool-call.js')
const { createCompletionNotices } = await inside('core/gate/completion-notices.js')
const local = await openLocalVault({ backend: memoryBackend(), warn: () => {} })
const provider = new CredentialsProvider({
  vault: local,
  name: 'jira',
  variables: { pat: { label: 'Token', type: 'password' } },
})
const outcome = await passGate({
  provider,
  failFast: false,
  client: { ability: 'no-url-elicitation', signal: new AbortController().signal },
  notices: createCompletionNotices(),
  toolCall: createToolCall([]),
  handler: () => assert.fail('nobody has entered a token'),
})
assert.equal(outcome.kind, 'text')
const form = await fetch(/http:\S+/.exec(outcome.text)[0])
assert.equal(form.status, 200)
await local.close()
