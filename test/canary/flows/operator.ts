import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { list } from '../../../src/cli/credentials/list.ts'
import { revoke } from '../../../src/cli/credentials/revoke.ts'
import { rotate } from '../../../src/cli/credentials/rotate.ts'
import { show } from '../../../src/cli/credentials/show.ts'
import { keygen } from '../../../src/cli/keygen.ts'
import { start } from '../../../src/cli/start.ts'
import { type Command, runCommand } from '../../../src/cli/terminal/command.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { expectThat, type Flow, flow } from '../flow.ts'
import type { World } from '../world.ts'

interface CommandLine {
  readonly command: Command
  readonly words: readonly string[]
  readonly secret?: string
  readonly environment?: NodeJS.ProcessEnv
}

/** One command in this process, without and with --json. Both have to end so, or as a pair says. */
export async function runs(
  world: World,
  code: number | 'failed' | readonly [number, number],
  line: CommandLine,
): Promise<void> {
  const { command, words, secret = '', environment = {} } = line
  const seen = world.trace.stream('command line')
  const codes = typeof code === 'object' ? code : ([code, code] as const)
  for (const [i, json] of [[], ['--json']].entries()) {
    const ended = await runCommand(command, [...words, ...json], {
      out: seen,
      error: seen,
      environment: { MCP_VAULT_FOLDER: world.dataFolder, MCP_VAULT_KEY_FILE: world.keyFile, ...environment },
      readSecret: async () => secret,
    })
    const wanted = codes[i]
    expectThat(
      wanted === 'failed' ? ended !== 0 : ended === wanted,
      `${command.name} to end with ${wanted}, not ${ended}`,
    )
  }
}

const alice = ({ owner }: World) => ['canary', '--issuer', owner.issuer, '--subject', owner.subject]

/** A value of several lines is stored as a textarea's. */
const typeOf = (secret: string) => (secret.includes('\n') ? ['--type', 'textarea'] : [])

export const operator: readonly Flow[] = [
  flow('list and show', async (world) => {
    await world.saved()
    await runs(world, 0, { command: list, words: [] })
    await runs(world, 0, { command: show, words: alice(world) })
  }),
  flow('rotate from standard input', async (world) => {
    await world.saved()
    for (const { kind, value: secret } of world.secrets.canaries) {
      await runs(world, 0, { command: rotate, words: [...alice(world), '--field', kind, ...typeOf(secret)], secret })
    }
    world.probe = (handle) => handle.use(({ long }) => String(long === world.secrets.of('long')))
    expectThat((await world.clients.plain.call()).text === 'true', 'the rotated value')
  }),
  flow('rotate that fails', async (world) => {
    const secret = world.secrets.of('pem')
    const lines = [...alice(world), ...typeOf(secret)]
    await runs(world, 3, { command: rotate, words: lines, secret })
    await world.saved()
    await runs(world, 2, { command: rotate, words: lines, secret })
    await runs(world, 2, { command: rotate, words: alice(world), secret })
    await runs(world, 'failed', { command: rotate, words: [...lines, '--field', secret], secret })
    await runs(world, 2, { command: rotate, words: alice(world), secret: `${secret}\u0007` })
    await runs(world, 2, { command: rotate, words: alice(world), secret: secret.repeat(60) })
  }),
  flow('wrong key', async (world) => {
    await world.saved()
    const keyFile = join(world.root, 'other.key')
    writeFileSync(keyFile, generateKeyText(), { mode: 0o600 })
    const environment = { MCP_VAULT_KEY_FILE: keyFile }
    const secret = world.secrets.of('long')
    await runs(world, 1, { command: list, words: [], environment })
    await runs(world, 1, { command: rotate, words: [...alice(world), '--field', 'long'], secret, environment })
    await runs(world, 1, { command: list, words: [], environment: { MCP_VAULT_KEY_FILE: '', MCP_VAULT_KEY: secret } })
  }),
  flow('secret on the command line by mistake', async (world) => {
    const { values } = world.secrets
    for (const secret of Object.values(values)) {
      await runs(world, 2, { command: rotate, words: [...alice(world), secret] })
      await runs(world, 2, { command: rotate, words: [...alice(world), `--value=${secret}`] })
      await runs(world, 2, { command: list, words: [`--${secret}`] })
      await runs(world, 2, { command: keygen, words: [secret] })
      for (const option of ['--provider', '--issuer', '--subject'])
        await runs(world, 0, { command: list, words: [`${option}=${secret}`] })
      await runs(world, 'failed', { command: keygen, words: [`--out=nowhere/${secret}`] })
      for (const option of ['--environment', '--env-file'])
        await runs(world, 2, { command: start, words: ['x', option, secret] })
      await runs(world, 'failed', { command: show, words: [secret, '--issuer', 'x', '--subject', 'y'] })
    }
  }),
  flow('revoke, then purge', async (world) => {
    await world.saved()
    await runs(world, 0, { command: revoke, words: alice(world) })
    await runs(world, 0, { command: show, words: alice(world) })
    // The second one finds nothing any more.
    await runs(world, [0, 3], { command: revoke, words: [...alice(world), '--purge'] })
    await runs(world, 3, { command: show, words: alice(world) })
  }),
  flow('commands for one account, and for all of a provider', async (world) => {
    await world.saved()
    await world.saved('work')
    const work = ['canary@work', ...alice(world).slice(1)]
    const secret = world.secrets.of('long')
    await runs(world, 0, { command: show, words: work })
    await runs(world, 0, { command: rotate, words: [...work, '--field', 'long'], secret })
    await runs(world, 'failed', { command: show, words: [`canary@${secret}`, ...work.slice(1)] })
    await runs(world, 2, { command: revoke, words: ['--all', '--provider', `canary@${secret}`, '--yes'] })
    await runs(world, 0, { command: revoke, words: ['--all', '--provider', 'canary', '--yes'] })
    for (const tool of ['probe', 'work']) {
      expectThat((await world.clients.plain.call(tool)).text.includes('was revoked'), 'words about the revocation')
    }
  }),
]
