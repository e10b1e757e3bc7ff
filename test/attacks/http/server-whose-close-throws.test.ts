import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compiled } from '../../harness/processes/compile-module.ts'

test("a tool author's clean-up that throws ends its own connection, and not the process of everybody", async () => {
  const script = compiled(join(import.meta.dirname, 'close-that-throws.ts'))
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  child.stderr.on('data', (data) => {
    printed += data
  })
  try {
    const [line] = await once(child.stdout, 'data')
    const [, baseUrl, token] = String(line).trim().split(' ')
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'open', arguments: {} } }
    const openToAll = async () => {
      const response = await fetch(`${baseUrl}/mcp`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2025-11-25',
        },
        body: JSON.stringify(call),
      })
      return response.text()
    }
    expect(await openToAll()).toContain('open to all')
    await expect.poll(() => printed).toContain('onclose of an McpServer failed')
    expect(await openToAll()).toContain('open to all')
    expect(child.exitCode).toBe(null)
  } finally {
    child.kill()
  }
})
