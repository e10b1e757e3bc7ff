import { type CredentialValues, defineVariables } from '../../core/model/variables.ts'
import { hashOf, type Snapshot } from '../catalogue/snapshot.ts'
import { takeSnapshot } from '../catalogue/take-snapshot.ts'
import { variablesOf } from '../config/credential-config.ts'
import type { CommandUpstreamConfig } from '../config/proxy-config.ts'
import { givenCall } from '../upstream/given-call.ts'
import type { ChildHost } from './child-host.ts'
import { stdioUpstream } from './stdio-upstream.ts'

const ANSWER_MILLISECONDS = 60_000

/**
 * Takes a snapshot of an MCP server over stdio, in a process with values that the operator gives. With no values at all, the process has
 * none of its slots. Closes the host.
 *
 * @throws `UpstreamProblem` if the server refuses, cannot be started or does not answer
 */
export async function snapshotOverStdio(
  name: string,
  config: CommandUpstreamConfig,
  values: CredentialValues,
  host: ChildHost,
): Promise<Snapshot> {
  const variables = defineVariables(variablesOf(config.credential))
  const upstream = stdioUpstream({ name, config, variables, configuration: hashOf(config), host })
  const signal = AbortSignal.timeout(config.startDeadlineSeconds * 1000 + ANSWER_MILLISECONDS)
  try {
    return await takeSnapshot(upstream, givenCall(values, 'snapshot', signal))
  } finally {
    await host.close()
  }
}
