import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { closeWithSocket } from '../../../src/mcp/transport/web-exchange.ts'

test('row i: responses that wait behind another one close when their connection ends', async () => {
  let begun = 0
  let closed = 0
  // None is ever answered, so that the second and the third wait for their turn.
  const server = createServer((request, response) => {
    begun += 1
    response.once('close', () => {
      closed += 1
    })
    closeWithSocket(request, response)
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3))
  await expect.poll(() => begun).toBe(3)
  expect(closed).toBe(0)
  socket.destroy()
  await expect.poll(() => closed).toBe(3)
})
