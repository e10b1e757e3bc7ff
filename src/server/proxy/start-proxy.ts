import { type RunningServer, type ServeOptions, startServing } from '../start-server.ts'
import { createProxy } from './create-proxy.ts'
import { readServableConfig } from './proxy-file.ts'

export interface ProxyStart extends ServeOptions {
  /** Path of the configuration file. */
  readonly file: string
}

/**
 * Starts the proxy as a server: vault from the environment, pages, health, and one route for each upstream.
 *
 * @throws `configuration_invalid`, naming each problem by line and path, before anything is opened
 */
export async function startProxy({ file, ...start }: ProxyStart): Promise<RunningServer> {
  const config = readServableConfig(file, process.env)
  return startServing(
    async () => ({
      ...{ what: 'Proxy', path: '/', routes: ['/', '/{upstream}/mcp'] },
      mount: (vault) => createProxy(vault, config),
      declareProviders: async () => undefined,
    }),
    start,
  )
}
