import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'

let server: FormServer
beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

test.each(['a://?x', 'http://?x', 'a://'])(
  'a request for %s is a bad request, and no failure of ours',
  async (target) => {
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {})
    const { port, host, hostname } = server.baseUrl
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      answer += String(chunk)
    })
    socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    // A reset is an end too, which `once` of node:events rejects with.
    await new Promise((resolve) => socket.once('close', resolve))
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(complaint).not.toHaveBeenCalled()
    complaint.mockRestore()
  },
)
