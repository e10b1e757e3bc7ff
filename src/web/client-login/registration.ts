import { z } from 'zod'
import { accountNameOf } from '../../core/model/printable.ts'
import type { PageServices } from '../request/page-services.ts'

const registrationSchema = z.strictObject({ redirectUris: z.array(z.string()), name: z.string().optional() })

/** What a client says of itself. The name is unverified. */
export type Registration = z.output<typeof registrationSchema>

/** Longest client id that is looked at. Only what this server has sealed opens, and that is shorter. */
const MAX_CLIENT_ID = 8_192
const MAX_NAME = 100
/** Registrations are not kept, so they last as long as the key that sealed them. */
const FOREVER = Number.MAX_SAFE_INTEGER

/** Returns the client id of a registration: the registration itself, sealed. */
export function sealRegistration(services: PageServices, registration: Registration): string {
  return services.parts.sealer.seal('client-registration', registration, FOREVER, contextOf(services))
}

/** Returns the registration, or undefined for a client id that this server has not sealed. */
export function openRegistration(services: PageServices, clientId: string): Registration | undefined {
  if (clientId.length > MAX_CLIENT_ID) return undefined
  const content = services.parts.sealer.open('client-registration', clientId, contextOf(services))
  const opened = registrationSchema.safeParse(content)
  return opened.success ? opened.data : undefined
}

/** Returns a client's name in one line, without characters that could disguise it. */
export function clientName(text: string | undefined): string | undefined {
  // By characters: half of a surrogate pair is none.
  const name = [...accountNameOf(text ?? '')].slice(0, MAX_NAME).join('')
  return name === '' ? undefined : name
}

/** Another vault with the same web key, at another address, does not accept it. */
function contextOf({ site }: PageServices): string {
  return JSON.stringify([site.origin, site.root])
}
