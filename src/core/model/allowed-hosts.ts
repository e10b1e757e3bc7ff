import { z } from 'zod'

/** One entry of an operator's list of hosts. */
export interface AllowedHost {
  readonly protocol: 'https:' | 'http:'
  /** Lower case, without port. */
  readonly hostname: string
  readonly subdomains: boolean
  readonly port: string
}

/** Reads an entry such as `jira.example.com`, `*.example.com` or `http://jira.internal:8080`. */
export const allowedHostSchema = z.string().transform((text, context): AllowedHost => {
  const match = /^(?:(https?):\/\/)?(\*\.)?([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i.exec(text)
  if (match?.[3] === undefined) {
    context.addIssue('must be a host such as jira.example.com, *.example.com or http://jira.internal:8080')
    return z.NEVER
  }
  return {
    protocol: match[1]?.toLowerCase() === 'http' ? 'http:' : 'https:',
    hostname: match[3].toLowerCase(),
    subdomains: match[2] !== undefined,
    port: match[4] ?? '',
  }
})

/** Whether an operator's list contains the URL's scheme, host and port. */
export function hostAllowed(url: URL, allowedHosts: readonly AllowedHost[]): boolean {
  return allowedHosts.some(
    (allowed) =>
      url.protocol === allowed.protocol &&
      url.port === defaultPortRemoved(allowed) &&
      (allowed.subdomains ? url.hostname.endsWith(`.${allowed.hostname}`) : url.hostname === allowed.hostname),
  )
}

function defaultPortRemoved(allowed: AllowedHost): string {
  return allowed.port === (allowed.protocol === 'https:' ? '443' : '80') ? '' : allowed.port
}
