import { inspect } from 'node:util'
import type { Trace } from './trace.ts'

const METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const

/**
 * Keeps what this process prints, and passes it on unless it is `quiet`. Resolves to the function that ends it. Console calls are kept
 * before they are formatted, since a test runner brings a console of its own.
 */
export function watchOutput(trace: Trace, quiet: boolean): () => void {
  const endings: (() => void)[] = []
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = process[name]
    const { write } = stream
    stream.write = (...parameters: unknown[]): boolean => {
      const [part, encoding, done] = parameters
      if (typeof part === 'string' || part instanceof Uint8Array) trace.add(name, part)
      if (!quiet) return Reflect.apply(write, stream, parameters)
      const callback = typeof encoding === 'function' ? encoding : done
      if (typeof callback === 'function') callback()
      return true
    }
    endings.push(() => {
      stream.write = write
    })
  }
  for (const method of METHODS) {
    const former = console[method]
    console[method] = (...parameters: unknown[]): void => {
      trace.add(
        'console',
        parameters.map((one) => (typeof one === 'string' ? one : inspect(one, { depth: 10 }))).join(' '),
      )
      if (!quiet) Reflect.apply(former, console, parameters)
    }
    endings.push(() => {
      console[method] = former
    })
  }
  const warned = (warning: unknown) => trace.add('warnings', inspect(warning, { depth: 10, showHidden: true }))
  for (const event of ['warning', 'unhandledRejection', 'uncaughtExceptionMonitor'] as const) {
    process.on(event, warned)
    endings.push(() => process.off(event, warned))
  }
  return () => {
    for (const end of endings) end()
  }
}
