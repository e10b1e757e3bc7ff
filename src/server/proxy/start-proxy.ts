import type { WriteLog } from '../../core/host/logger.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { type RunningServer, type ServeOptions, startServing } from '../start-server.ts'
import { type OpenProxy, openProxy } from './open-proxy.ts'
import { readServableConfig } from './proxy-file.ts'

export interface ProxyStart extends ServeOptions {
  /** Path of the configuration file. */
  readonly file: string
}

export interface RunningProxy extends RunningServer {
  /** Reads the file again. If it has a problem, the log says which, and the former configuration stays. Never throws. */
  reload(): void
}

/**
 * Starts the proxy as a server: vault from the environment, pages, health, and one route for each upstream.
 *
 * @throws `configuration_invalid`, naming each problem by line and path, before anything is opened
 */
export async function startProxy({ file, ...start }: ProxyStart): Promise<RunningProxy> {
  const config = readServableConfig(file, process.env)
  let proxy: OpenProxy | undefined
  let log: WriteLog = () => undefined
  const server = await startServing(async ({ logOf }) => {
    log = logOf('proxy')
    const open: typeof openProxy = (vault, ...given) => {
      proxy ??= openProxy(vault, ...given)
      return proxy
    }
    return {
      ...{ what: 'Proxy', path: '/', routes: ['/', '/{upstream}/mcp'] },
      mount: (vault) => open(vault, config, (...line) => log(...line)).middleware,
      async declareProviders(vault) {
        open(vault, config, (...line) => log(...line))
      },
    }
  }, start)
  return {
    ...server,
    reload() {
      try {
        const changed = proxy?.replace(readServableConfig(file, process.env)) ?? []
        log(
          'info',
          changed.length === 0
            ? `Read ${file} again: nothing has changed.`
            : `Read ${file} again: ${changed.join(', ')}.`,
        )
      } catch (error) {
        const why = isCredentialVaultError(error) ? error.message : 'It failed in an unexpected way.'
        log('error', `${file} is not used, and the former configuration stays. ${why}`)
      }
    },
  }
}
