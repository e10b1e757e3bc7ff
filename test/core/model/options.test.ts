import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseOptions } from '../../../src/core/model/options.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import { defineDestinations } from '../../../src/destinations/destination.ts'
import { redisSchema } from '../../../src/redis/connection/redis-options.ts'

const messageOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return error instanceof Error ? error.message : ''
  }
  return ''
}

const schema = z
  .strictObject({ port: z.int().min(1), name: z.string(), part: z.string().optional() })
  .superRefine(({ part }, context) => {
    const params = { advice: 'Give it to openVault instead.' }
    if (part !== undefined)
      context.addIssue({ code: 'custom', path: ['part'], message: 'belongs to the vault', params })
  })

test.each([
  [{ port: 1 }, 'start.name: is required. Set it.'],
  [{ port: 0, name: 'x' }, 'start.port: must be at least 1. Correct it.'],
  [{ port: 1, name: 'x', prot: 2 }, 'start.prot: there is no such option. Correct its name, or remove it.'],
  [{ port: 1, name: 'x', part: 'y' }, 'start.part: belongs to the vault. Give it to openVault instead.'],
])('a wrong option is named with what to do: %j', (options, message) => {
  expect(messageOf(() => parseOptions(schema, options, 'start'))).toBe(message)
})

const pat = { label: 'Token', type: 'password' } as const
const origin = 'https://jira.example.com'
const header = { scheme: 'Bearer', field: 'pat' } as const

test.each([
  [() => defineVariables({}), 'variables: needs at least one variable. Correct it.'],
  [
    () =>
      defineDestinations(
        [
          { origin, header },
          { origin, header },
        ],
        defineVariables({ pat }),
      ),
    'destinations[1]: names a destination twice. Correct it.',
  ],
])('so is one whose text does not say what it must be', (work, message) => {
  expect(messageOf(work)).toBe(message)
})

test.each([
  [
    { url: 'redis://127.0.0.1:6379', tls: {} },
    'redisConnection.tls: it needs a rediss:// URL. Begin redisConnection.url with rediss://.',
  ],
  [
    { url: 'redis://127.0.0.1:6379', password: 'x', passwordFile: '/y' },
    'redisConnection.password: redisConnection.passwordFile is set too. Keep one, preferably the file.',
  ],
  [
    { url: 'redis://redis.example.com:6379' },
    'redisConnection.url: without TLS the password and every sign-out can be read and changed on the way. Use rediss://, or redisConnection.tls with Sentinel and Cluster. On a network that you trust, set redisConnection.dangerouslyAllowPlaintext.',
  ],
])('advice that an option brings is given once: %j', (options, message) => {
  expect(messageOf(() => parseOptions(redisSchema, options, 'redisConnection'))).toBe(message)
})
