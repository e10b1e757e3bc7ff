import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BoundFetch } from '../../../src/destinations/bound-fetch.ts'
import { bearer, fetchTo, type HttpService, PAT, startService } from '../../harness/http-service.ts'

// A user name in the URL makes one host look like another, and ends up in logs.
let service: HttpService
let bound: BoundFetch

beforeAll(async () => {
  service = await startService()
  bound = fetchTo([{ origin: service.origin, header: bearer }])
})
afterAll(async () => {
  await bound.close()
  await service.close()
})

test.each(['user@', 'user:password@', ':password@', 'jira.example.com@', `${PAT}@`])(
  'a URL with %s is refused, even at the declared origin',
  async (userinfo) => {
    const url = `http://${userinfo}127.0.0.1:${service.port}/`
    const error = await bound.fetch({ pat: PAT }, url).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'destination_refused', reason: 'userinfo' })
    expect(String(error)).not.toContain(userinfo)
    expect(service.received).toEqual([])
  },
)
