import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { generateKeyText, isCredentialVaultError } from 'mcp-credential-vault'
import { type Ports, portProblem, portProblems, portsFrom } from './ports.ts'
import { startTickets } from './tickets-server.ts'
import { callCommand, clientSettings } from './welcome.ts'

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

/** One line for what its user can set right; the stack of anything else. */
function fail(error: unknown, ports?: Ports): never {
  const known = (ports && portProblem(error, ports)) ?? (isCredentialVaultError(error) ? error.message : undefined)
  console.error(known ?? error)
  process.exit(1)
}

function chosenPorts(): Ports {
  try {
    return portsFrom(process.env)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(2)
  }
}

function chosenExample(): 'tickets' | 'proxy' {
  const [example = 'tickets', ...more] = process.argv.slice(2)
  if ((example === 'tickets' || example === 'proxy') && more.length === 0) return example
  console.error('Usage: npm start [-- proxy]')
  process.exit(2)
}

async function startExample(): Promise<void> {
  const tickets = await startTickets({ environment: withKey(process.env), ports }).catch((error) => fail(error, ports))
  const { vsCode, others } = clientSettings(tickets)

  console.log(`
The example is running:

  What runs here     ${new URL('/', tickets.url).href}
  MCP server         ${tickets.url}
  Ticket Service     ${tickets.ticketService.origin}/   (makes personal access tokens)
  Identity provider  ${tickets.identityProvider.issuer}/   (users Alice and Bob, no passwords)

Make a call without an MCP client, in another terminal:

   ${callCommand(tickets)}

Or with one:

1. Add the server to an MCP client. In VS Code: .vscode/mcp.json

   ${vsCode}

   Most other clients:

   ${others}

2. The client opens the identity provider: continue as Alice.
3. Ask it to create a ticket. It shows a link to the form: open it, sign in, and paste a token from the Ticket Service.
4. The ticket is created in Alice's name. Ask for another one: there is no further question.

"npm run demo" walks the same way by itself. Ctrl+C ends the example.
`)

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void tickets.close().then(() => process.exit(0)))
  }
}

const example = chosenExample()
const ports = chosenPorts()
const used = await portProblems(ports)
if (used !== undefined) {
  console.error(used)
  process.exit(1)
}
if (example === 'tickets') await startExample()
else {
  const { startForPerson } = await import('../proxy/start.ts')
  await startForPerson(withKey(process.env), ports).catch((error) => fail(error, ports))
}
