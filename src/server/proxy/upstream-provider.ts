import type { FormProvider } from '../../core/ports/form-provider.ts'
import { variablesOf } from '../../proxy/config/credential-config.ts'
import {
  type CheckedProxyConfig,
  type HttpUpstreamConfig,
  httpConfig,
  isCommand,
  type UpstreamConfig,
} from '../../proxy/config/proxy-config.ts'
import type { UpstreamFiles } from '../../proxy/config/upstream-files.ts'
import { connectionOptionsOf, destinationsOf } from '../../proxy/upstream-http/http-destination.ts'
import type { CredentialVault, ProviderServices } from '../../vault/credential-vault.ts'
import { CredentialsProvider } from '../../vault/provider/credentials-provider.ts'
import type { Verify } from '../../vault/provider/provider-form.ts'
import { serveOnce } from '../../vault/tiers/serve-once.ts'

export interface AttachedProvider {
  readonly provider: CredentialsProvider
  /** Ends the requests of the provider, once nothing uses it. */
  end(): Promise<void>
}

/** One upstream, as its provider needs it. */
export interface ProvidedUpstream {
  readonly name: string
  readonly upstream: UpstreamConfig
  readonly files: UpstreamFiles
  /** Tries new values. Default: they are saved as they are. */
  readonly verify?: Verify | undefined
}

type Attach = CredentialVault['attach']

/** How long the tool that tries new values may take. */
const ANSWER_SECONDS = 15

/** Declares the credential of one upstream, and serves its form. */
export function upstreamProvider(vault: CredentialVault, given: ProvidedUpstream, replaces: boolean): AttachedProvider {
  return made(vault, given, (form, end) => vault.attach(form, end, { replaces }))
}

/**
 * Makes the providers of a configuration without any vault.
 *
 * @throws `configuration_invalid` for one that no vault would take, such as the second of two under one name
 */
export function tryProviders({ upstreams }: CheckedProxyConfig, files: ReadonlyMap<string, UpstreamFiles>): void {
  const forms = new Map<string, FormProvider>()
  for (const [name, upstream] of Object.entries(upstreams)) {
    const given = { name, upstream, files: files.get(name) ?? { tls: {} } }
    const { end } = made({} as CredentialVault, given, (form) => {
      serveOnce(forms, form)
      // Nobody asks a provider of this vault for anything.
      return {} as ProviderServices
    })
    void end()
  }
}

function made(
  vault: CredentialVault,
  { name, upstream, files, verify }: ProvidedUpstream,
  attach: Attach,
): AttachedProvider {
  const ends: (() => Promise<void>)[] = []
  const watched: CredentialVault = Object.create(vault, {
    attach: {
      value(form: FormProvider, end: () => Promise<void>) {
        ends.push(end)
        return attach(form, end)
      },
    },
  })
  const { provider: providerName = name, variables: _, ...options } = upstream.credential
  const given = { ...options, label: upstream.label }
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const provider = new CredentialsProvider({
    ...settings,
    vault: watched,
    name: providerName,
    variables: variablesOf(upstream.credential),
    ...(verify && { verify, verifyTimeoutSeconds: Math.min(120, upstream.startDeadlineSeconds + ANSWER_SECONDS) }),
    ...(!isCommand(upstream) && reachedBy(httpConfig(upstream), files)),
  })
  return { provider, end: async () => void (await Promise.all(ends.map((end) => end()))) }
}

function reachedBy(upstream: HttpUpstreamConfig, files: UpstreamFiles) {
  return { destinations: destinationsOf(upstream), connection: connectionOptionsOf(upstream, files) }
}
