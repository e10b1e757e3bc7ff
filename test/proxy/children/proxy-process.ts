import { createEchoGuard } from '../../../src/core/echo-guard/echo-guard.ts'
import { startChild } from '../../../src/proxy/children/child.ts'
import { openWatchdog } from '../../../src/proxy/children/watchdog/watchdog.ts'

/** What a proxy for tests starts: its folder, and the commands of its children. */
export interface ProxyPlan {
  readonly folder: string
  readonly commands: readonly (readonly string[])[]
  readonly path: string
  readonly secret: string
}

/** What it prints once every child has answered. */
export interface ProxyState {
  readonly watchdog: number
  readonly groups: readonly number[]
  readonly folders: readonly string[]
}

/** Processes that run, one for each child: the servers themselves, behind their wrappers. */
const servers: unknown[] = []
const { folder, commands, path, secret } = JSON.parse(process.argv[2] ?? '') as ProxyPlan
const watchdog = await openWatchdog({
  folder,
  secretsFolder: folder,
  log: (level, message) => console.error(level, message),
})
const children = await Promise.all(
  commands.map(async (command) => {
    const child = await startChild({
      watchdog,
      upstream: 'echo',
      command,
      literals: { PATH: path },
      slots: { TOKEN: secret },
      files: [{ variable: 'TOKEN_FILE', contents: secret }],
      guard: createEchoGuard(),
      log: (level, message) => console.error(level, message),
      startDeadline: 120_000,
    })
    for (const method of ['ignoreTerm', 'surroundings']) await child.send({ jsonrpc: '2.0', id: method, method })
    for await (const message of child.messages) {
      if (message['id'] !== 'surroundings') continue
      servers.push(message['result'])
      break
    }
    return child
  }),
)
const state: ProxyState = {
  watchdog: watchdog.pid ?? 0,
  groups: children.map(({ pid }) => pid),
  folders: [watchdog.folder, watchdog.secretsFolder],
}
console.log(JSON.stringify({ ...state, servers }))
// A proxy serves until it is killed.
setInterval(() => undefined, 1000)
