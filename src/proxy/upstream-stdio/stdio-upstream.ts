import { createEchoGuard } from '../../core/echo-guard/echo-guard.ts'
import type { InjectedProcess } from '../../core/gate/gated-provider.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { isJsonObject } from '../../core/model/json.ts'
import type { Variable } from '../../core/model/variables.ts'
import type { StoredVersion } from '../../core/ports/secret-backend.ts'
import { negotiatedRevision, OWN_INITIALIZE } from '../catalogue/catalogue.ts'
import type { Child } from '../children/child.ts'
import type { ChildOptions } from '../children/child-options.ts'
import type { ChildStarter } from '../children/pool/pool-entry.ts'
import type { ChildKey } from '../children/pool/pool-key.ts'
import type { CommandUpstreamConfig } from '../config/proxy-config.ts'
import { isAnswer, isRequest, type Message, type Request } from '../upstream/message.ts'
import {
  type CredentialCall,
  type Upstream,
  type UpstreamEvent,
  UpstreamProblem,
  type UpstreamSession,
} from '../upstream/upstream.ts'
import { type ChildChannel, openChannel, problemOf } from './child-channel.ts'
import type { ChildHost } from './child-host.ts'
import { childSlots } from './child-slots.ts'
import { openSharedChannel, type SharedChannel } from './shared-channel.ts'

export interface StdioUpstreamParts {
  /** Name of the upstream. */
  readonly name: string
  readonly config: CommandUpstreamConfig
  readonly variables: readonly Variable[]
  /** Changes with the configuration. */
  readonly configuration: string
  readonly host: ChildHost
}

/** A child that has answered `initialize`. */
interface Initialised {
  /** What a session says to it. */
  readonly channelFor: (sessionId: string) => ChildChannel
  readonly answer: Message
  /** The version of the credential that it was given. */
  readonly version: StoredVersion
}

/** An MCP server that speaks over stdio, in a process of its own for each session of a client. */
export function stdioUpstream(parts: StdioUpstreamParts): Upstream {
  const { name, configuration, host } = parts
  const { pool } = host
  const own = { upstream: name, configuration }
  const end = host.use(own)
  const initialised = new WeakMap<Child, Initialised>()
  const shares = parts.config.share === 'owner'
  const shared = new Map<SharedChannel, ChildKey>()

  function sessionOf({ channelFor, version }: Initialised, key: ChildKey, sessionId: string): UpstreamSession {
    const channel = channelFor(sessionId)
    return {
      async send(message, call) {
        if (!isRequest(message)) {
          await channel.send(message)
          return { streams: false, events: none() }
        }
        // The line in the audit log names the tool, and the call's guard learns what to search the answer for.
        await call.handle.use((_, { ref }) => {
          if (ref === version.ref) return
          void pool.end('rotated', key)
          throw new UpstreamProblem('session-ended', 'The credential was replaced.')
        })
        return { streams: false, events: await channel.request(message, call.signal) }
      },
      listen: async (call) => {
        // The guard of the stream's call learns what to search its messages for.
        await call.handle.use(() => undefined)
        return channel.listen(call.signal)
      },
      async end(call) {
        // Calls that run may finish, and the one that has noticed need not wait for them.
        if (call.version !== key.version) void pool.end('rotated', key)
      },
    }
  }

  return {
    async open(initialize, call, sessionId) {
      const { issuer, subject } = call.owner
      // Without an audit line, the values are in no vault, so nothing is to be watched.
      const isGiven = call.injected === undefined
      if (!isGiven && call.version === undefined)
        throw new UpstreamProblem('refused', 'The credential is not in use any more.')
      const [account, version] = [isGiven ? GIVEN : '', call.version ?? '']
      const key: ChildKey = {
        ...own,
        issuer,
        subject,
        account,
        version,
        session: shares ? '' : sessionId,
      }
      const share = (channel: SharedChannel, child: Child) => {
        shared.set(channel, key)
        void child.ended.then(() => shared.delete(channel))
      }
      const starter = childStarter(parts, {
        initialize: shares ? OWN_INITIALIZE : initialize,
        call,
        initialised,
        share,
      })
      const child = await pool.get(key, starter).catch((error: unknown) => {
        throw problemOf(error)
      })
      const made = initialised.get(child)
      if (!made) throw new UpstreamProblem('session-ended', 'The server has ended.')
      if (made.answer.error) await pool.end('session_closed', key)
      const answer = shares ? negotiated(made.answer, initialize) : made.answer
      return { session: sessionOf(made, key, sessionId), answer }
    },

    async sessionClosed(session) {
      const left = [...shared].filter(([channel]) => channel.leave(session) === 0).map(([, key]) => key)
      if (!shares) await pool.end('session_closed', { ...own, session })
      else await Promise.all(left.map((key) => pool.end('session_closed', key)))
    },
    close: end,
  }
}

interface Starting {
  readonly initialize: Request
  readonly call: CredentialCall
  readonly initialised: WeakMap<Child, Initialised>
  /** Told of a child that several sessions are to use. */
  readonly share: (channel: SharedChannel, child: Child) => void
}

function childStarter(
  { name, config, variables, host }: StdioUpstreamParts,
  { initialize, call, initialised, share }: Starting,
): ChildStarter {
  let version: StoredVersion | undefined
  let line: InjectedProcess | undefined
  return {
    async options(): Promise<ChildOptions> {
      const watchdog = await host.watchdog()
      return call.handle.use((values, released) => {
        version = released
        const guard = createEchoGuard()
        guard.add(variables, values)
        return {
          ...{ watchdog, upstream: name, guard, log: host.log },
          ...childSlots(config, values),
          maxMessageBytes: config.maxMessageBytes,
          async beforeRun(pid) {
            line = await call.injected?.({ pid, version: released.label })
          },
        }
      })
    },

    async initialise(child) {
      if (!version) throw new CredentialVaultError('unavailable', 'The server has no credential.', { reason: 'closed' })
      const lines = line
      if (lines) {
        host.finishes(lines.started())
        host.finishes(child.ended.then(({ reason }) => lines.ended(reason)))
      }
      const common = config.share === 'owner' ? openSharedChannel(child) : undefined
      const channel = common?.own ?? openChannel(child)
      if (common) share(common, child)
      const channelFor = (sessionId: string) => common?.join(sessionId) ?? channel
      const events = await channel.request({ ...initialize, id: OWN_ID }, new AbortController().signal)
      for await (const { message } of events)
        if (message && isAnswer(message)) return void initialised.set(child, { channelFor, answer: message, version })
      throw new UpstreamProblem('session-ended', 'The server has ended.')
    },
  }
}

/** A client is told a revision that it knows, whatever the child was told. */
function negotiated(answer: Message, initialize: Request): Message {
  const { result } = answer
  if (!isJsonObject(result)) return answer
  const newest = result['protocolVersion']
  const protocolVersion = negotiatedRevision(initialize, typeof newest === 'string' ? newest : undefined)
  return { ...answer, result: { ...result, protocolVersion } }
}

/** The account of values that are in no vault, such as those of a form that are tried. */
export const GIVEN = 'given'

/** Clients' own ids are their own matter; none begins so, unless by malice, and then it confuses its own session. */
const OWN_ID = 'credential-proxy:initialize'

async function* none(): AsyncGenerator<UpstreamEvent> {}
