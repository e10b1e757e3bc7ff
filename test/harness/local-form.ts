import { httpBrowser, type Page } from '../../examples/tickets/http-browser.ts'
import { type MemoryAudit, memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { createToolCall, markCall } from '../../src/core/gate/tool-call.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { CredentialStatus, SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { openLocalVault } from '../../src/vault/local/open-local-vault.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'

export const ALICE = { issuer: 'local-user', subject: 'alice' }

/** The form of one provider, for the local user, over real HTTP. */
export interface LocalForm {
  readonly provider: CredentialsProvider
  readonly audit: MemoryAudit
  /** Notices that the operator got. */
  readonly warnings: readonly string[]
  /** Opens the form and saves these values. */
  submit(values: Readonly<Record<string, string>>): Promise<Page>
  stored(): Promise<CredentialStatus>
  /** A request of a gated call. */
  fetch(input: string): Promise<Response>
  close(): Promise<void>
}

/** @param options those of a provider, without its vault */
export async function startLocalForm(options: object): Promise<LocalForm> {
  const audit = memoryAudit()
  const warnings: string[] = []
  const backend: SecretBackend = memoryBackend()
  const vault = await openLocalVault({ backend, audit, name: 'alice', warn: (message) => void warnings.push(message) })
  const provider = new CredentialsProvider({ name: 'jira', ...options, vault } as ConstructorParameters<
    typeof CredentialsProvider
  >[0])
  await provider.ready()
  const call = () => ({ user: ALICE, correlationId: 'call' })
  return {
    provider,
    audit,
    warnings,
    async submit(values) {
      const { url } = await provider.requestCredential(call(), 'absent')
      const browser = httpBrowser()
      const entry = await browser.open(url)
      const form = entry.html.includes('Continue') ? await browser.press(entry, 'Continue') : entry
      return browser.press(form, 'Save', values)
    },
    stored: () => backend.stat(storageKey(provider.name, ALICE), { signal: AbortSignal.timeout(10_000) } as never),
    async fetch(input) {
      return provider.run(call(), createToolCall([]), async (inside) => {
        const extra = markCall({ signal: new AbortController().signal, requestId: 1 }, inside)
        const response = await provider.getCredentials(extra).fetch(input)
        await response.text()
        return response
      })
    },
    close: () => vault.close(),
  }
}
