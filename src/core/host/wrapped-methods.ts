type Method = (...parameters: unknown[]) => unknown

/**
 * Wraps an object so that `wrap` decides what each of its methods does; everything else stays as it is. Works for object literals and
 * instances of classes, frozen or not.
 *
 * @param wrap gets a method's name, and the method bound to the object
 */
export function withWrappedMethods<T extends object>(
  object: T,
  wrap: (name: PropertyKey, method: Method) => Method,
): T {
  const wrapped = new Map<PropertyKey, { readonly member: unknown; readonly made: Method }>()
  // Not a proxy of the object itself, which could not answer with other functions than a frozen one has.
  return new Proxy(Object.create(object) as T, {
    get(_, name) {
      const member: unknown = Reflect.get(object, name)
      if (typeof member !== 'function') return member
      const known = wrapped.get(name)
      if (known?.member === member) return known.made
      // The object itself as `this`: the private fields of a class are not the proxy's.
      const made = wrap(name, (...parameters) => Reflect.apply(member, object, parameters))
      wrapped.set(name, { member, made })
      return made
    },
    set: (_, name, value) => Reflect.set(object, name, value),
  })
}
