import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'
import { CredentialVaultError } from '../../../core/model/errors.ts'

/** Descriptor on which a new process waits for a line before it becomes the child. */
export const GATE_DESCRIPTOR = 3

/**
 * The shell reads one line from the gate and then becomes the command. If the proxy dies before, `read` fails and nothing runs. The words
 * of the command are parameters, so the shell never parses them. A core file would hold the environment.
 */
const GATE = `ulimit -c 0; read -r go <&${GATE_DESCRIPTOR} || exit 125; exec ${GATE_DESCRIPTOR}<&-; exec "$@"`

/** What shells add to the environment by themselves: dash the first, bash all but the last, busybox the first and the last. */
const ADDED_BY_SHELLS = ['PWD', 'OLDPWD', 'SHLVL', '_', 'PATH']

/** Where a command without a slash is looked for if the child has no `PATH`. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'

let binding: Promise<readonly string[]> | undefined

/**
 * Returns words that let the kernel kill the command when the proxy dies, where there is a `setpriv` that can. It ends only the command
 * and not what that has started, so the watchdog is needed all the same; this helps when somebody has killed the watchdog.
 */
export function parentBinding(): Promise<readonly string[]> {
  binding ??= new Promise((resolve) => {
    const words = [findCommand('setpriv', DEFAULT_PATH) ?? '/usr/bin/setpriv', '--pdeathsig', 'KILL', '--']
    // busybox has a setpriv that does not know the option.
    execFile(words[0] ?? '', [...words.slice(1), '/bin/sh', '-c', ':'], { env: {} }, (error) =>
      resolve(error ? [] : words),
    )
  })
  return binding
}

/**
 * Returns the words of a process that waits at its gate and then becomes the command.
 *
 * @param bound words in front of the command, from {@link parentBinding}
 * @param declared names that the environment is to have
 */
export function gatedCommand(
  command: readonly string[],
  bound: readonly string[],
  declared: readonly string[],
): readonly [string, ...string[]] {
  const added = ADDED_BY_SHELLS.filter((name) => !declared.includes(name))
  return ['/bin/sh', '-c', GATE, 'sh', '/usr/bin/env', ...added.flatMap((name) => ['-u', name]), ...bound, ...command]
}

/**
 * Returns the absolute path of a command.
 *
 * @param option the option that names the command, for the error
 * @throws `configuration_invalid` (`child_command`) if there is no such executable file
 */
export function resolveCommand(command: string, path: string | undefined, option: string): string {
  const found = command.startsWith('/') ? executable(command) : findCommand(command, path ?? DEFAULT_PATH)
  if (found !== undefined) return found
  throw new CredentialVaultError(
    'configuration_invalid',
    `${option}: there is no such executable file. Give its absolute path, or set PATH as a literal in the child's environment.`,
    { reason: 'child_command' },
  )
}

function findCommand(command: string, path: string): string | undefined {
  if (command.includes('/')) return undefined
  for (const folder of path.split(':')) {
    // A relative folder would be looked up in the proxy's own working folder.
    const found = folder.startsWith('/') ? executable(join(folder, command)) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile() ? path : undefined
  } catch {
    return undefined
  }
}
