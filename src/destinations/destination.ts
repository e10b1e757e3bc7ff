import { z } from 'zod'
import { hostAllowed } from '../core/model/allowed-hosts.ts'
import { type OptionSchemas, parseOptions } from '../core/model/options.ts'
import { isWebUrl, parsedUrl } from '../core/model/url-value.ts'
import type { CredentialValues, FieldOf, UrlFieldOf, Variable, VariablesOptions } from '../core/model/variables.ts'
import { type CredentialHeader, credentialHeader, type HeaderOptions, headersSchema } from './credential-header.ts'

/** A target to which `fetch()` of a credential may send it, and the header. Fields are those of the provider's `variables`. */
export type DestinationOptions<V extends VariablesOptions = VariablesOptions> = (
  | {
      /** Scheme, host and port, e.g. `https://jira.example.com`. Plain http is accepted here, since you name it explicitly. */
      readonly origin: string
    }
  | {
      /** A variable of type `url` with `allowedHosts`: its value's origin is the destination. */
      readonly fromField: UrlFieldOf<V>
    }
) & {
  /** One header, or up to four for a service that needs several, each with a name of its own. */
  readonly header: HeaderOptions<FieldOf<V>> | readonly HeaderOptions<FieldOf<V>>[]
  /**
   * Whether the host may be in a private, shared or unique-local network or on this machine. Link-local addresses are never accepted.
   * Default true for `origin`, false for `fromField`.
   */
  readonly allowPrivateAddresses?: boolean
}

/** A destination whose options were checked. */
export interface Destination {
  /** Name for people: the origin, or the label of the field that holds it. */
  readonly description: string
  readonly headers: readonly CredentialHeader[]
  /** The field that holds the address, unless the operator declares it. */
  readonly fromField: string | undefined
  readonly allowPrivateAddresses: boolean
  /** Returns the origin for these values, or undefined when they hold no allowed one. */
  origin(values: CredentialValues): string | undefined
  /** Returns the base of relative paths: origin and path of the field's URL, without a final slash. Undefined when `origin` is. */
  base(values: CredentialValues): string | undefined
}

const originSchema = z.string().transform((text, context) => {
  const url = parsedUrl(text)
  if (url && isWebUrl(url) && url.href === `${url.origin}/`) return url.origin
  context.addIssue('must be scheme, host and port alone, such as https://jira.example.com')
  return z.NEVER
})

/** Every option of either kind; the refinement of the schema demands one target. */
type EitherDestination = Partial<
  Extract<DestinationOptions, { readonly origin: string }> & Extract<DestinationOptions, { readonly fromField: string }>
>

const common = { header: headersSchema, allowPrivateAddresses: z.boolean().optional() }

const destinationSchema = z
  .strictObject({
    origin: originSchema.optional(),
    fromField: z.string().min(1).optional(),
    ...common,
  } satisfies OptionSchemas<EitherDestination>)
  .refine(({ origin, fromField }) => (origin === undefined) !== (fromField === undefined), {
    message: 'needs either origin or fromField',
  })

/** Checks destinations against the provider's variables. Throws `configuration_invalid`, naming the option's path. */
export function defineDestinations(
  options: readonly DestinationOptions[],
  variables: readonly Variable[],
  subject = 'destinations',
): readonly Destination[] {
  const schema = z.array(destinationSchema).superRefine((destinations, context) => {
    const seen = new Set<string>()
    for (const [i, { origin, fromField, header }] of destinations.entries()) {
      const target = origin ?? `field ${fromField}`
      if (seen.has(target)) context.addIssue({ code: 'custom', path: [i], message: 'names a destination twice' })
      seen.add(target)
      const problem = fromField === undefined ? undefined : fieldProblem(variables, fromField)
      if (problem) context.addIssue({ code: 'custom', path: [i, 'fromField'], message: problem })
      const headers = [header].flat().map(credentialHeader)
      const unknown = headers.some(({ fields }) => fields.some((name) => !variables.some((one) => one.name === name)))
      if (unknown)
        context.addIssue({ code: 'custom', path: [i, 'header'], message: 'names a field that is not in variables' })
      if (new Set(headers.map(({ name }) => name)).size < headers.length)
        context.addIssue({ code: 'custom', path: [i, 'header'], message: 'names a header twice' })
    }
  })
  return parseOptions(schema, options, subject).map(({ origin, fromField, header, allowPrivateAddresses }) => {
    const variable = variables.find(({ name }) => name === fromField)
    return {
      description: origin ?? variable?.label ?? '',
      headers: [header].flat().map(credentialHeader),
      fromField,
      allowPrivateAddresses: allowPrivateAddresses ?? origin !== undefined,
      origin: (values) => origin ?? (variable && urlInField(variable, values)?.origin),
      base: (values) => origin ?? (variable && baseOf(urlInField(variable, values))),
    }
  })
}

function fieldProblem(variables: readonly Variable[], name: string): string | undefined {
  const variable = variables.find((one) => one.name === name)
  if (variable?.type !== 'url') return 'must name a variable of type url'
  return variable.allowedHosts ? undefined : 'must name a variable with allowedHosts, or any user could choose the host'
}

// The form has checked it, but operators also write values by hand.
function urlInField({ name, allowedHosts }: Variable, values: CredentialValues): URL | undefined {
  const value = Object.hasOwn(values, name) ? values[name] : undefined
  const url = parsedUrl(value)
  if (!url || !isWebUrl(url) || hasUserinfo(url)) return undefined
  return hostAllowed(url, allowedHosts ?? []) ? url : undefined
}

function baseOf(url: URL | undefined): string | undefined {
  return url && url.origin + url.pathname.replace(/\/+$/, '')
}

export function hasUserinfo({ username, password }: URL): boolean {
  return username !== '' || password !== ''
}
