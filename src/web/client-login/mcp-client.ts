import { createHash } from 'node:crypto'
import { parsedUrl } from '../../core/model/url-value.ts'
import type { PageServices } from '../request/page-services.ts'
import { readClientDocument } from './client-document.ts'
import { openRegistration, type Registration } from './registration.ts'

/** An MCP client, told apart by its client id alone. */
export interface NamedClient {
  /** Names it in audit lines: its metadata document's URL, or a short hash of its sealed client id. */
  readonly label: string
  /** Hash of the whole client id, to which consents, codes and refresh tokens are bound. */
  readonly digest: string
  /** Host of its metadata document. Undefined for one that registered itself. */
  readonly host: string | undefined
}

/** The client with what it says of itself. */
export type DescribedClient = NamedClient & Registration

const MAX_DOCUMENT_URL = 500

/** Returns undefined for a client id that is neither sealed here nor at a listed host. Its document is not read. */
export function clientOf(services: PageServices, clientId: string): NamedClient | undefined {
  const digest = createHash('sha256').update(`client ${clientId}`).digest('base64url')
  const url = documentUrl(services, clientId)
  if (url) return { label: url.href, digest, host: url.host }
  if (!openRegistration(services, clientId)) return undefined
  return { label: `registered-${digest.slice(0, 12)}`, digest, host: undefined }
}

/** @throws `destination_refused` or `unavailable` if its metadata document cannot be used or read */
export async function findClient(services: PageServices, clientId: string): Promise<DescribedClient | undefined> {
  const client = clientOf(services, clientId)
  if (!client) return undefined
  const { host } = client
  const found = host === undefined ? openRegistration(services, clientId) : await readClientDocument(services, clientId)
  return found && { ...client, ...found }
}

/** It is compared as text, so it must be in its normal form. */
function documentUrl({ parts }: PageServices, clientId: string): URL | undefined {
  if (!clientId.startsWith('https://') || clientId.length > MAX_DOCUMENT_URL) return undefined
  const url = parsedUrl(clientId)
  const hosts = parts.identity.clientLogin?.metadataHosts ?? []
  if (url?.href !== clientId || !hosts.includes(url.host)) return undefined
  return url.pathname !== '/' && url.hash === '' && url.username === '' && url.password === '' ? url : undefined
}
