import type { Context } from 'koa'
import type { Site } from './site.ts'

const ONE_YEAR = 31_536_000

/** The sources of our own assets, which a page may load. */
export interface PageSources {
  readonly scripts: readonly string[]
  readonly style: string
  readonly icon: string
}

export type SecurityHeaders = Readonly<Record<string, string>>

/**
 * Headers of every response of the form, errors and redirects too (OWASP ASVS 5.0 V3.4). Assets are named one by one, so that on a
 * shared host nothing else of the origin can be loaded as a script.
 *
 * `Referrer-Policy` is `same-origin`: with `no-referrer`, browsers send `Origin: null` on our own form's POST.
 */
export function securityHeaders(site: Site, sources: PageSources, subdomains = true): SecurityHeaders {
  const policy = [
    "default-src 'none'",
    `script-src ${sources.scripts.map((path) => site.origin + path).join(' ')}`,
    `style-src ${site.origin}${sources.style}`,
    `img-src ${site.origin}${sources.icon}`,
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]
  return {
    'Content-Security-Policy': policy.join('; '),
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'X-Robots-Tag': 'noindex, nofollow',
    ...(site.secure ? transportHeader(subdomains) : {}),
  }
}

/** Returns the headers of answers for programs: the bearer gate's refusals and the metadata. */
export function programHeaders(secure: boolean, subdomains = true): SecurityHeaders {
  return {
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    ...(secure ? transportHeader(subdomains) : {}),
  }
}

function transportHeader(subdomains: boolean): SecurityHeaders {
  return { 'Strict-Transport-Security': `max-age=${ONE_YEAR}${subdomains ? '; includeSubDomains' : ''}` }
}

export function setHeaders(ctx: Context, headers: SecurityHeaders): void {
  ctx.set(headers)
  ctx.remove('X-Powered-By')
}
