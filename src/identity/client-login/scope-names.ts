/** Translates the scopes that clients know into the identity provider's, and back. */
export interface ScopeNames {
  /** Names that clients may use. */
  readonly known: readonly string[]
  /** Returns the provider's text of these scopes. Unknown ones are left out. */
  atProvider(names: readonly string[]): string
  /** Returns the names of which every scope was granted. */
  fromProvider(granted: string): readonly string[]
}

/** @param map the provider's scopes, separated by spaces, by the clients' names */
export function scopeNames(map: Readonly<Record<string, string>>): ScopeNames {
  const entries = Object.entries(map).map(([name, text]): [string, readonly string[]] => [name, text.split(' ')])
  const byName = new Map(entries)
  return {
    known: [...byName.keys()],
    atProvider: (names) => [...new Set(names.flatMap((name) => byName.get(name) ?? []))].join(' '),
    fromProvider(granted) {
      const all = new Set(granted.split(' '))
      return entries.filter(([, scopes]) => scopes.every((scope) => all.has(scope))).map(([name]) => name)
    },
  }
}
