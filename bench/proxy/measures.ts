import type { Measure } from '../measure.ts'
import { bridgeMeasures } from './bridges.ts'
import { httpMeasures } from './http.ts'
import { stdioMeasures } from './stdio.ts'

/** Those measures of the proxy that are wanted. What a group measures beside them comes along. */
export async function proxyMeasures(
  wanted: (name: string) => boolean,
  options: { readonly seconds: number },
): Promise<Measure[]> {
  const ofStdio = ['proxy-stdio-added-p50', 'proxy-cold-start', 'proxy-session-memory']
  const ofBridges = ['supergateway', 'mcp-proxy'].flatMap((bridge) =>
    ['p50', 'calls', 'memory'].map((what) => `proxy-vs-${bridge}-${what}`),
  )
  return [
    ...(['proxy-http-added-p50', 'proxy-http-cpu-vs-relay'].some(wanted) ? await httpMeasures(options) : []),
    ...(ofStdio.some(wanted) ? await stdioMeasures(options) : []),
    ...(ofBridges.some(wanted) ? await bridgeMeasures(options) : []),
  ]
}
