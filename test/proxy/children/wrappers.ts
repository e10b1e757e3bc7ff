import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compiled } from '../../harness/processes/compile-module.ts'
import { pythonCommand } from '../../harness/processes/running-process.ts'
import { ECHO_SERVER } from './fixture.ts'
import type { ProxyPlan, ProxyState } from './proxy-process.ts'

/** Where the wrappers find node, npx and the shell's commands. */
export const COMMAND_PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`

/** The ways in which people start a server: by itself, and behind what starts it as a process of its own. */
export function wrappedCommands(folder: string): readonly (readonly string[])[] {
  const python = [pythonCommand('python'), '-c', 'import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))']
  return [
    [process.execPath, ECHO_SERVER],
    ['/bin/sh', '-c', `"${process.execPath}" "${ECHO_SERVER}"; true`],
    ['/bin/sh', '-c', `exec 3<&0; "${process.execPath}" "${ECHO_SERVER}" <&3 & wait`],
    ['npx', '--prefix', npxPackage(folder), '--no', '--', 'echo-server'],
    // uvx does the same.
    [...python, process.execPath, ECHO_SERVER],
  ]
}

function npxPackage(folder: string): string {
  const [prefix, bin] = [join(folder, 'package'), join(folder, 'package/node_modules/.bin')]
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(prefix, 'package.json'), '{}')
  const file = join(bin, 'echo-server')
  // Without an ending it is CommonJS, so it only loads the module.
  writeFileSync(file, `#!/usr/bin/env node\nimport(${JSON.stringify(ECHO_SERVER)})\n`)
  chmodSync(file, 0o755)
  return prefix
}

export interface ProxyProcess extends ProxyState {
  readonly process: ChildProcess
  /** The servers themselves, and not their wrappers. */
  readonly servers: readonly { readonly pid: number }[]
}

/** Starts a proxy in a process of its own, and waits until each of its children has answered. */
export async function startProxyProcess(plan: ProxyPlan): Promise<ProxyProcess> {
  const script = compiled(join(import.meta.dirname, 'proxy-process.ts'))
  const proxy = spawn(process.execPath, [script, JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, errors] = ['', '']
  proxy.stderr.on('data', (chunk) => {
    errors += String(chunk)
  })
  await new Promise<void>((resolve, reject) => {
    proxy.stdout.on('data', (chunk) => {
      out += String(chunk)
      if (out.includes('\n')) resolve()
    })
    proxy.once('exit', () => reject(new Error(`the proxy ended: ${errors}`)))
  })
  return { process: proxy, ...JSON.parse(out) }
}

/** Ids of the processes of these groups. */
export function membersOf(groups: readonly number[], pids: readonly number[]): readonly number[] {
  return pids.filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return state !== 'Z' && groups.includes(Number(group))
    } catch {
      return false
    }
  })
}
