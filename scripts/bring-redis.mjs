import { bringFromDebian } from './bring-from-debian.mjs'

/** Makes sure that redis-server is on PATH. */
export async function bringRedis() {
  const packages = ['redis-server']
  bringFromDebian({ command: 'redis-server', flag: '--version', packages, why: 'Redis, which replicas share' })
}
