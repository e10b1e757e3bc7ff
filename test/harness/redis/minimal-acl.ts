import { readFileSync } from 'node:fs'

/** The rights that `docs/redis.md` says a user needs, for the default prefix. */
export const MINIMAL_ACL =
  (/^ACL SETUSER \S+ on >\S+ (.*)$/m.exec(readFileSync('docs/redis.md', 'utf8')) ?? [])[1] ?? ''
