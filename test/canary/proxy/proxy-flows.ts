import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { expectThat } from '../flow.ts'
import { LEAKS } from './leaky-server.ts'
import type { ProxyWorld, UpstreamName } from './proxy-world.ts'

/** Something that happens with Alice's secrets behind the proxy. It also checks that it did happen. */
export interface ProxyFlow {
  readonly name: string
  run(world: ProxyWorld): Promise<unknown>
}

/** Calls a tool as Alice and looks for words in what she gets. */
function calls(upstream: UpstreamName, tool: string, words: RegExp, name = `${upstream}: ${tool}`): ProxyFlow {
  return {
    name,
    async run(world) {
      const text = await world.call('alice', upstream, tool)
      expectThat(words.test(text), `${words}, not "${text.slice(0, 80)}"`)
    },
  }
}

/** The server over HTTP answers badly, and Alice gets what is left. */
const overHttp = LEAKS.map(
  (behaviour): ProxyFlow => ({
    name: `http: secrets ${behaviour}`,
    async run(world) {
      world.leaky.behaviour = behaviour
      const text = await world.call('alice', 'http', 'well')
      expectThat(text !== '' && text !== 'well done', `an answer to ${behaviour}`)
    },
  }),
)

const WITHHELD = /secret|withheld/

const overStdio = (['stdio', 'file'] as const).flatMap((upstream) => [
  calls(upstream, 'well', /^well done$/),
  calls(upstream, 'show', WITHHELD),
  calls(upstream, 'show in base64', WITHHELD),
  calls(upstream, 'show as an error of the tool', WITHHELD),
  calls(upstream, 'show as an error', WITHHELD),
  calls(upstream, 'show in a log message', /./),
  calls(upstream, 'show in progress', /./),
  calls(upstream, 'print as no message', /^printed$/),
  calls(upstream, 'print on standard error', /^printed$/),
  calls(upstream, 'crash', /./),
  calls(upstream, 'abort', /./),
])

/** The server writes into its own folders, which are to be gone with it. */
const leftBehind: ProxyFlow = {
  name: 'stdio: what a server leaves in its folders is removed with it',
  async run(world) {
    await world.call('alice', 'stdio', 'leave a report')
    await vi.waitFor(() => expectThat(foldersOf(world).length === 0, 'no folder of a child'), { timeout: 60_000 })
  },
}

function foldersOf({ root }: ProxyWorld): readonly string[] {
  const children = join(root, 'children')
  return readdirSync(children).flatMap((proxy) => readdirSync(join(children, proxy)).filter((name) => name !== 'alive'))
}

const besideBob: ProxyFlow = {
  name: 'stdio: Alice and Bob at the same time',
  async run(world) {
    const texts = await Promise.all([world.call('alice', 'stdio', 'well'), world.call('bob', 'stdio', 'well')])
    expectThat(
      texts.every((text) => text === 'well done'),
      'both are answered',
    )
    expectThat(world.childrenOf('bob').size > 0, 'a child of Bob')
  },
}

const ended = (['revoke', 'offboard'] as const).flatMap((how) =>
  (['http', 'stdio'] as const).map(
    (upstream): ProxyFlow => ({
      name: `${upstream}: ${how}`,
      async run(world) {
        await world.call('alice', upstream, 'well')
        await world.change('alice', how, upstream)
      },
    }),
  ),
)

export const proxyFlows: readonly ProxyFlow[] = [
  calls('http', 'well', /^well done$/),
  ...overHttp,
  ...overStdio,
  calls('silent', 'well', /./, 'stdio: a server that never starts'),
  calls('missing', 'well', /./, 'stdio: a program that is not there'),
  leftBehind,
  besideBob,
  ...ended,
]
