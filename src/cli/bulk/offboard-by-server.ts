import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseUntrustedJson } from '../../core/model/json.ts'
import type { Owner } from '../../core/model/owner.ts'
import { checkServerBaseUrl, urlBelow } from '../../core/network/server-base-url.ts'
import type { Offboarded as ServerOffboarded } from '../../core/operations/offboarding.ts'
import { readPrivateFile } from '../provision/private-file.ts'
import type { Terminal } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'

export const serverOptions = { server: { type: 'string' }, 'token-file': { type: 'string' } } as const

/** Long enough for a backend that answers slowly, many times. */
const LONGEST_MILLISECONDS = 10 * 60_000

/**
 * Has the running server offboard the owner through its admin API, which also ends what is in the server's memory.
 *
 * @throws `unavailable`, `forbidden` or `unauthenticated`; UsageError for one option without the other
 */
export async function offboardByServer(
  input: CommandInput,
  terminal: Terminal,
  choices: Owner & { readonly providers: readonly string[]; readonly purge: boolean; readonly dryRun: boolean },
): Promise<ServerOffboarded> {
  const server = input.text('server')
  const tokenFile = input.text('token-file')
  if (server === undefined || tokenFile === undefined) throw new UsageError('--server and --token-file belong together')
  const url = urlBelow(checkServerBaseUrl(server, '--server'), '/credentials/admin/offboard')
  const token = readPrivateFile(tokenFile, '--token-file', terminal).trim()
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError('--token-file holds no access token')
  const { status, text } = await post(url, token, JSON.stringify(choices))
  if (status === 200 || status === 503) {
    const answer = offboardedFrom(text)
    if (answer) return answer
  }
  throw refusedBy(url, status)
}

async function post(url: URL, token: string, body: string): Promise<{ status: number; text: string }> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(LONGEST_MILLISECONDS),
    })
    return { status: answer.status, text: await answer.text() }
  } catch {
    // The error may quote the request.
    throw new CredentialVaultError(
      'unavailable',
      `${url.origin} did not answer. Run the command again: what was done already is not done twice.`,
    )
  }
}

function offboardedFrom(text: string): ServerOffboarded | undefined {
  try {
    const answer = parseUntrustedJson(text)
    const isOurs = typeof answer === 'object' && answer !== null && 'left' in answer && 'credentials' in answer
    return isOurs ? (answer as ServerOffboarded) : undefined
  } catch {
    return undefined
  }
}

function refusedBy({ origin }: URL, status: number): CredentialVaultError {
  if (status === 401) {
    return new CredentialVaultError(
      'unauthenticated',
      `${origin} did not accept the access token in --token-file. Get a new one: it may have expired.`,
    )
  }
  if (status === 403) {
    return new CredentialVaultError('forbidden', `The access token in --token-file lacks the admin scope of ${origin}.`)
  }
  const hint = status === 404 ? ' Its admin API may be off: set openVault.admin or MCP_ADMIN_SCOPE.' : ''
  return new CredentialVaultError(
    'unavailable',
    `${origin} answered ${status}, and nothing is known to be done.${hint}`,
  )
}
