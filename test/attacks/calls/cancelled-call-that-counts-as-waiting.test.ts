import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { expect, test } from 'vitest'
import { startHarness } from '../../harness/mcp-harness.ts'

// A call counts as waiting from `openOrReuse` on. When its client gives it up before the wait begins, here while the line
// `credential.requested` is written, it has to stop counting, or no decline ends the request any more.
test('a call that was given up early does not keep a declined request open', async () => {
  const harness = await startHarness()
  try {
    const { audit } = harness
    const append = audit.append.bind(audit)
    let goOn = () => {}
    const hanging = new Promise<void>((reached) => {
      audit.append = async (event) => {
        if (event.type === 'credential.requested') {
          audit.append = append
          reached()
          await new Promise<void>((resolve) => {
            goOn = resolve
          })
        }
        return append(event)
      }
    })
    const alice = await harness.connect('alice', { onLink: () => 'decline' })
    const givenUp = new AbortController()
    const first = alice.call('read_secret', { signal: givenUp.signal }).catch(() => undefined)
    await hanging
    const arrived = sentNext(alice.client.transport)
    givenUp.abort()
    await arrived
    goOn()
    await first

    await alice.text('read_secret')
    await alice.text('read_secret')
    const [one, two] = alice.links
    expect(alice.links).toHaveLength(2)
    expect(two).not.toBe(one)
  } finally {
    await harness.close()
  }
})

/** Resolves once the next message has been taken: the SDK's client sends that it gives up, and waits for nothing. */
function sentNext(transport: Transport | undefined): Promise<void> {
  if (!transport) throw new Error('The client is connected.')
  const { send } = transport
  return new Promise((resolve, reject) => {
    transport.send = (...message) => {
      transport.send = send
      const sent = send.apply(transport, message)
      sent.then(resolve, reject)
      return sent
    }
  })
}
