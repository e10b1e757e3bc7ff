import { readFileSync } from 'node:fs'

const page = readFileSync('docs/redis.md', 'utf8')
const [, keys = ''] = /^ACL SETUSER \S+ on >\S+ (.*) RIGHTS$/m.exec(page) ?? []
const [rights = ''] = /^\+hello[\s\S]*?(?=\n```)/m.exec(page) ?? []

const [, more = ''] = /In a Cluster, [^`]*add `([^`]+)`/.exec(page) ?? []

/** The rights that `docs/redis.md` says a user needs, for the default prefix. */
export const MINIMAL_ACL = `${keys} ${rights.replaceAll('\n', ' ')}`

/** The rights that a user needs in a Cluster. */
export const CLUSTER_ACL = `${MINIMAL_ACL} ${more}`
