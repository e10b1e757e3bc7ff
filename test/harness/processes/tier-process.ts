import { startServer } from '../../../src/server/start-server.ts'
import { sharedPendingStore, tierTools } from '../tier-tools.ts'

/**
 * The runnable server as one tier or as both, set up from its environment, with a pending store that passes for a shared one. Prints its
 * address. Arguments: the tier and the port.
 */
const [tier = 'all', port = '0'] = process.argv.slice(2)
const server = await startServer({
  tools: { sdk: 'v1', define: tierTools },
  port: Number(port),
  host: '127.0.0.1',
  mode: 'stateless',
  tier: tier === 'form' || tier === 'tool' ? tier : 'all',
  given: { pendingStore: sharedPendingStore() },
})
process.stdout.write(`${server.address}\n`)
