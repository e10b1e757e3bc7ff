import type { Ports } from '../tickets/ports.ts'
import { startProxyExample } from './proxy-example.ts'

/** Starts the example for a person, and says what to do with it. */
export async function startForPerson(environment: NodeJS.ProcessEnv, ports: Ports): Promise<void> {
  const example = await startProxyExample({ environment, ports })
  const { url, services, identityProvider, file } = example
  console.log(`
The proxy is running, in front of two MCP servers that take a token from a header and know nothing of it:

  What to add to a client   ${url}/
  Support                   ${url}/support/mcp      (makes its tokens at ${services.support.origin}/)
  Facilities                ${url}/facilities/mcp   (makes its tokens at ${services.facilities.origin}/)
  Identity provider         ${identityProvider.issuer}/   (users Alice and Bob, no passwords)
  Configuration             ${file}

Make a call without an MCP client, in another terminal:

   npm run call -- --url ${url}/support/mcp

"npm run demo -- --proxy" walks through it by itself. Ctrl+C ends the example.
`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void example.close().then(() => process.exit(0)))
}
