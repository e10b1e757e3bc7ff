import type { WriteLog } from '../../core/host/logger.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import type { Snapshot } from '../../proxy/catalogue/snapshot.ts'
import { type ChildrenOptions, poolLimits } from '../../proxy/config/children-options.ts'
import { httpConfig, isCommand, type UpstreamConfig } from '../../proxy/config/proxy-config.ts'
import type { UpstreamFiles } from '../../proxy/config/upstream-files.ts'
import { snapshotOverHttp } from '../../proxy/upstream-http/snapshot-http.ts'
import { type ChildHost, createChildHost } from '../../proxy/upstream-stdio/child-host.ts'
import { snapshotOverStdio } from '../../proxy/upstream-stdio/snapshot-stdio.ts'

/** One upstream of a configuration, with what it needs of the others. */
export interface ListedUpstream {
  readonly name: string
  readonly config: UpstreamConfig
  readonly files: UpstreamFiles
  readonly children: ChildrenOptions | undefined
  readonly log: WriteLog
}

/** Reads what an upstream lists with values of the operator's. A process that is started for it ends before this resolves. */
export function listsOf(upstream: ListedUpstream, values: CredentialValues): Promise<Snapshot> {
  const { name, config, files, children, log } = upstream
  if (!isCommand(config)) return snapshotOverHttp(httpConfig(config), files, values)
  // A host of its own, so that users' processes and their limits have nothing to do with the operator's credential.
  return snapshotOverStdio(name, config, values, hostOf(children, log))
}

export function hostOf(children: ChildrenOptions | undefined, log: WriteLog): ChildHost {
  return createChildHost({ ...children, limits: poolLimits(children), log })
}
