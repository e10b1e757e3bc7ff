import { setTimeout as delay } from 'node:timers/promises'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { startService } from '../../test/harness/http-service.ts'
import { startRedisNode } from '../../test/harness/redis/redis-server.ts'
import { type Fleet, startFleet } from '../../test/harness/replicas/fleet.ts'
import { type Figures, noFigures } from './figures.ts'
import { createSaves, type Saves } from './saves.ts'
import { createUser, type LoadUser } from './user.ts'

export interface LoadOptions {
  /** Of load, without the start and the last look. */
  readonly seconds: number
  readonly users: number
}

const MODES = ['sessionful', 'stateless'] as const
/** Seconds between two kills, and from a kill to the restart, at most. */
const KILL_EVERY = [1, 5] as const
const DOWN_FOR = [0, 2] as const
const PATIENCE = 30_000

/**
 * Three replicas behind nginx, with sessions for half of the time and stateless for the other. Users call, fill in forms, replace and
 * revoke; replicas are killed at random. Ends early with the first problem.
 */
export async function loadReplicas({ seconds, users }: LoadOptions): Promise<Figures> {
  const figures = noFigures()
  const redis = await startRedisNode()
  const service = await startService()
  try {
    for (const mode of MODES) {
      if (figures.problems.length > 0) continue
      const saves = createSaves()
      const names = Array.from({ length: users }, (_, index) => `user-${String(index).padStart(3, '0')}`)
      const fleet = await startFleet({
        mode,
        redis: {
          MCP_PENDING_STORE: 'redis',
          MCP_REDIS_URL: `redis://127.0.0.1:${redis.port}`,
          MCP_REDIS_PREFIX: `${mode}:`,
        },
        service: service.origin,
        users: names.map((account) => ({ account, name: `U${account.slice(1)}` })),
        environment: {
          MCP_PAGES_PER_MINUTE: '100000',
          MCP_LOGINS_PER_MINUTE: '100000',
          MCP_SUBMITS_PER_MINUTE: '100000',
        },
        afterBackend: async (_replica, request, answer) => saves.watch(request, answer),
      })
      try {
        await loadOne(fleet, saves, figures, { names, seconds: seconds / MODES.length })
      } finally {
        await fleet.stop()
      }
    }
  } finally {
    await Promise.all([redis.remove(), service.close()])
  }
  return figures
}

async function loadOne(
  fleet: Fleet,
  saves: Saves,
  figures: Figures,
  { names, seconds }: { readonly names: readonly string[]; readonly seconds: number },
): Promise<void> {
  const users = await Promise.all(names.map((name) => createUser({ name, fleet, saves, figures })))
  const until = performance.now() + seconds * 1000
  await Promise.all([killUntil(fleet, figures, until), ...users.map((user) => user.work(until))])
  const looks = await Promise.all(users.map((user) => lastLook(fleet, saves, user)))
  figures.problems.push(...looks.flat())
  figures.problems.push(...saves.problems())
  const { acknowledged, unknown, unknownWritten } = saves.counts()
  figures.acknowledged += acknowledged
  figures.unknown += unknown
  figures.unknownWritten += unknownWritten
}

/** One replica is down at a time, and all are up at the end. */
async function killUntil(fleet: Fleet, figures: Figures, until: number): Promise<void> {
  while (performance.now() < until) {
    await delay(Math.min(between(KILL_EVERY), until - performance.now()))
    if (performance.now() >= until) return
    const replica = fleet.replicas[Math.floor(Math.random() * fleet.replicas.length)]
    await replica?.kill()
    figures.kills += 1
    await delay(between(DOWN_FOR))
    await replica?.restart()
  }
}

/** After the load: each replica shows the user's state, OpenBao has it, and as many versions as were written. */
async function lastLook(fleet: Fleet, saves: Saves, user: LoadUser): Promise<string[]> {
  const problems: string[] = []
  for (const { name, port } of fleet.replicas) {
    const deadline = performance.now() + PATIENCE
    let seen = await user.seenBy(port)
    while (!user.ledger.allows(seen) && performance.now() < deadline) {
      await delay(200)
      seen = await user.seenBy(port)
    }
    if (!user.ledger.allows(seen)) problems.push(`lost: ${user.name} sees ${seen ?? 'no credential'} on ${name}`)
  }
  const { path } = storageKey('jira', fleet.owner(user.name))
  const { body } = await fleet.bao.api('GET', `secret/metadata/mcp/${path}`)
  const versions = Number(body?.data?.current_version ?? 0)
  if (versions !== saves.versionsOf(user.name))
    problems.push(`${user.name} has ${versions} versions, and ${saves.versionsOf(user.name)} were written`)
  return problems
}

function between([least, most]: readonly [number, number]): number {
  return 1000 * (least + Math.random() * (most - least))
}
