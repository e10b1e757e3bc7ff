import { CredentialVaultError } from '../core/model/errors.ts'
import { parsedUrl } from '../core/model/url-value.ts'
import type { FieldOf, VariablesOptions } from '../core/model/variables.ts'
import { isHttpsOrLoopback } from '../core/network/loopback.ts'
import type { HeaderOptions } from '../destinations/credential-header.ts'
import type { DestinationOptions } from '../destinations/destination.ts'
import { type HttpCheck, type HttpCheckOptions, httpCheck } from '../destinations/http-check.ts'

/** Options of a provider for a well-known service: spread them into `new CredentialsProvider({ vault, ...preset })`. */
export interface Preset<V extends VariablesOptions = VariablesOptions> {
  readonly name: string
  readonly label: string
  readonly variables: V
  readonly doc: string
  readonly destinations: readonly DestinationOptions<V>[]
  readonly verify: HttpCheck<FieldOf<V>>
  readonly manageUrl?: string
  /** For a service that reports a dead token in another way than by status 401. */
  readonly rejectedWhen?: (answer: Response) => Promise<boolean>
}

/** Where the facts of a preset come from. */
export interface PresetSource {
  /** The day on which they were read, as YYYY-MM-DD. */
  readonly read: string
  /** Pages that were read, the vendor's own where there was a copy of them. */
  readonly pages: readonly string[]
  /** Facts in the preset that these pages do not confirm. Try them before you rely on them. */
  readonly unconfirmed: readonly string[]
}

/** One installation of a service, at an address that the operator declares. */
export interface DeclaredSite {
  /** Address of the installation, with its path if it has one: `https://git.example.com` or `https://example.com/jira`. */
  readonly baseUrl: string
}

/** Several installations, of which each user enters one. */
export interface EnteredSite {
  /** Hosts that users may enter, such as `*.example.com`. No other host is sent a credential. */
  readonly allowedHosts: readonly string[]
  /** Whether these hosts may be in a private network. Default false. */
  readonly allowPrivateAddresses?: boolean
}

export type SiteVariable = {
  readonly site: {
    readonly label: string
    readonly type: 'url'
    readonly hint: string
    readonly allowedHosts: readonly string[]
  }
}

/** A preset of a service that companies run themselves. */
export interface SitePreset<V extends VariablesOptions> {
  (site: DeclaredSite): Preset<V>
  (site: EnteredSite): Preset<V & SiteVariable>
}

/** The facts about a service that do not depend on its address. */
export interface Service<V extends VariablesOptions> {
  readonly name: string
  readonly label: string
  readonly variables: V
  readonly header: HeaderOptions<FieldOf<V>> | readonly HeaderOptions<FieldOf<V>>[]
  /** How a new credential is tried. `path` is below the address of the API. */
  readonly check: Omit<HttpCheckOptions<never>, 'url'> & { readonly path: string }
  /** Markdown. `{page}` becomes the name of the page for tokens, as a link if its address is known. */
  readonly guide: string
  readonly page: string
  /** Address of that page: an URL, or a path below the site's address. */
  readonly manage?: string
  /** Example of a site's address, for users who enter theirs. */
  readonly exampleSite?: string
}

/** The preset of a service at one address. `api`: the base of its API, to which the check's path is appended. */
export function presetAt<V extends VariablesOptions>(service: Service<V>, api: string, manageUrl?: string): Preset<V> {
  const { path, ...check } = service.check
  return {
    ...described(service, manageUrl),
    variables: service.variables,
    destinations: [{ origin: new URL(api).origin, header: service.header }],
    verify: httpCheck({ url: api + path, ...check }) as HttpCheck<FieldOf<V>>,
  }
}

/** Makes the preset of a service that companies run at addresses of their own. */
export function sitePreset<V extends VariablesOptions>(service: Service<V>): SitePreset<V> {
  const { manage } = service
  const manageUrlAt = (base: string) => (manage?.startsWith('/') ? base + manage : manage)
  return ((site: DeclaredSite | EnteredSite) => {
    if (site && 'allowedHosts' in site) return enteredAt(service, site, manage?.startsWith('/') ? undefined : manage)
    const base = baseOf(service.name, site)
    return presetAt(service, base, manageUrlAt(base))
  }) as SitePreset<V>
}

function enteredAt<V extends VariablesOptions>(
  service: Service<V>,
  { allowedHosts, allowPrivateAddresses }: EnteredSite,
  manageUrl: string | undefined,
): Preset<V & SiteVariable> {
  const { path, ...check } = service.check
  const { label, exampleSite = 'https://example.com' } = service
  const site = { label: `${label} address`, type: 'url', hint: `For example ${exampleSite}`, allowedHosts } as const
  const destination = {
    fromField: 'site',
    header: service.header,
    ...(allowPrivateAddresses !== undefined && { allowPrivateAddresses }),
  }
  return {
    ...described(service, manageUrl),
    variables: { site, ...service.variables },
    destinations: [destination as DestinationOptions<V & SiteVariable>],
    verify: httpCheck({ url: { fromField: 'site', path }, ...check }) as HttpCheck<FieldOf<V & SiteVariable>>,
  }
}

function described<V extends VariablesOptions>(
  { name, label, guide, page }: Service<V>,
  manageUrl: string | undefined,
): Pick<Preset, 'name' | 'label' | 'doc' | 'manageUrl'> {
  const link = manageUrl === undefined ? `**${page}**` : `[${page}](${manageUrl})`
  return { name, label, doc: guide.replace('{page}', link), ...(manageUrl !== undefined && { manageUrl }) }
}

/**
 * Returns the address without a final slash.
 *
 * @throws `configuration_invalid` for anything but an https address, or http on loopback, with at most a path
 */
export function baseOf(preset: string, site: DeclaredSite): string {
  const url = parsedUrl(site?.baseUrl)
  if (
    !url ||
    !isHttpsOrLoopback(url) ||
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw invalidPreset(
      `${preset} needs baseUrl, an https address (http on loopback only) such as https://example.com/path, or allowedHosts`,
    )
  }
  return url.origin + url.pathname.replace(/\/+$/, '')
}

export function invalidPreset(problem: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', `The preset ${problem}.`, { reason: 'option' })
}
