import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { generateKeyText } from 'mcp-credential-vault'
import { startTickets } from './tickets-server.ts'

const KEY_FILE = './vault.key'

/** The environment says which backend to use; a sealed file without a key gets one. */
function withKey(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { MCP_VAULT_BACKEND: backend, MCP_VAULT_KEY: key, MCP_VAULT_KEY_FILE: keyFile } = environment
  if ((backend && backend !== 'sealed-file') || key || keyFile) return environment
  const folder = environment['MCP_VAULT_FOLDER'] || './data'
  // A key made over existing records could not open them: only an empty folder gets a new one.
  if (!existsSync(KEY_FILE) && (!existsSync(folder) || readdirSync(folder).length === 0)) {
    writeFileSync(KEY_FILE, `${generateKeyText()}\n`, { mode: 0o600, flag: 'wx' })
    console.log(`Made a key for the sealed file: ${KEY_FILE}. What is in ${folder} cannot be read without it.`)
  }
  return { ...environment, MCP_VAULT_KEY_FILE: KEY_FILE }
}

const tickets = await startTickets({
  environment: withKey(process.env),
  ports: { server: 8005, tickets: 8006, identity: 8007 },
})

console.log(`
The example is running:

  MCP server         ${tickets.url}
  Ticket Service     ${tickets.ticketService.origin}/   (makes personal access tokens)
  Identity provider  ${tickets.identityProvider.issuer}   (users Alice and Bob, no passwords)

1. Add the server to an MCP client. In VS Code: .vscode/mcp.json

   { "servers": { "tickets": { "type": "http", "url": "${tickets.url}" } } }

   Most other clients:

   { "mcpServers": { "tickets": { "type": "http", "url": "${tickets.url}" } } }

2. The client opens the identity provider: continue as Alice.
3. Ask it to create a ticket. It shows a link to the form: open it, sign in, and paste a token from the Ticket Service.
4. The ticket is created in Alice's name. Ask for another one: there is no further question.

"npm run demo" walks the same way by itself. Ctrl+C ends the example.
`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void tickets.close().then(() => process.exit(0)))
}
