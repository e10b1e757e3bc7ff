/**
 * Everything that tells one child from another. Two keys that differ in any part never share a child, so nobody gets a child that was
 * started with another person's, another account's or an older credential.
 */
export interface ChildKey {
  /** Name of the upstream. */
  readonly upstream: string
  readonly issuer: string
  readonly subject: string
  /** Name of the account; empty for the one without a name. */
  readonly account: string
  /** Version of the credential in its backend. */
  readonly version: string
  /** Changes with the upstream's configuration, e.g. its hash. */
  readonly configuration: string
  /** The client's session. Bind it to its owner: an id that a client chooses names no session alone. */
  readonly session: string
}

/** Which children something happens to: those whose keys have all the given parts. */
export type ChildSelection = Partial<ChildKey>

/** Returns a text that differs for every key. */
export function keyText({ upstream, issuer, subject, account, version, configuration, session }: ChildKey): string {
  return JSON.stringify([upstream, issuer, subject, account, version, configuration, session])
}

/** Returns a text for what fails together: a server that crashes does so in every session. */
export function crashKey(key: ChildKey): string {
  return keyText({ ...key, session: '' })
}

export function isSelected(key: ChildKey, selection: ChildSelection): boolean {
  return (Object.keys(selection) as (keyof ChildKey)[]).every(
    (part) => selection[part] === undefined || selection[part] === key[part],
  )
}
