import { expect, test } from 'vitest'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { startFormServer } from '../../harness/browser/form-server.ts'
import { continueLink, headingOf, visitorOf } from '../../harness/browser/visitor.ts'

test('failed logins of strangers take none of the room in which ended sessions are remembered', async () => {
  const remembered: string[] = []
  const memory = memoryBrowserSessions()
  const server = await startFormServer({
    sessions: {
      ...memory,
      end: (id, until) => {
        remembered.push(id)
        return memory.end(id, until)
      },
    },
  })
  try {
    const link = await server.ask('alice')
    const stranger = visitorOf(server)
    for (let index = 0; index < 5; index += 1) {
      const page = await stranger.post('/credentials/login', { provider: 'jira', t: link.request.handle })
      const state = new URL(continueLink(page.text)).searchParams.get('state') ?? ''
      const failed = await stranger.get(
        `/credentials/callback?error=access_denied&state=${state}&iss=${encodeURIComponent(server.issuer)}`,
      )
      expect(headingOf(failed.text)).toBe('You did not sign in')
    }
    expect(remembered).toEqual([])
  } finally {
    await server.close()
  }
})

test('a stranger with a whole /56 or /48 of addresses does not get a limit for each', async () => {
  const server = await startFormServer({ options: { rateLimits: { loginsPerMinute: 5 } } })
  try {
    const { request } = await server.ask('alice')
    const answered = async (addressOf: (index: number) => string, count: number) => {
      const statuses = []
      for (let index = 0; index < count; index += 1) {
        const page = await visitorOf(server).post(
          '/credentials/login',
          { provider: 'jira', t: request.handle },
          { 'x-forwarded-for': addressOf(index) },
        )
        statuses.push(page.status)
      }
      return statuses.filter((status) => status === 200).length
    }
    // One address each of 25 networks of /64, all in one /56.
    expect(await answered((index) => `2001:db8:1:${index.toString(16)}::1`, 25)).toBe(20)
    // One address each of 100 networks of /56, all in one /48.
    expect(await answered((index) => `2001:db8:2:${index.toString(16)}00::1`, 100)).toBe(80)
    // Others are not touched.
    expect(await answered((index) => `2001:db8:${(index + 16).toString(16)}::1`, 25)).toBe(25)
  } finally {
    await server.close()
  }
})
