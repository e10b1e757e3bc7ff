import { expect, test } from 'vitest'
import { fillIn, linkIn } from '../../harness/mcp-harness.ts'
import { TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { endSession, startStdioProxy, tool } from '../../harness/proxy/stdio-proxy.ts'

test('a token in a file reaches the server by its path, and the file is gone with the session', async () => {
  const proxy = await startStdioProxy({ upstream: { env: undefined, files: { TOKEN_FILE: { contents: '{pat}' } } } })
  try {
    const alice = await proxy.connectAndFill('alice')
    expect(await tool(alice, 'who_am_i')).toBe('You are alice')
    const { names, file } = JSON.parse(await tool(alice, 'surroundings'))
    expect(names).toEqual(['HOME', 'SERVICE', 'TMPDIR', 'TOKEN_FILE'])
    expect(file.mode).toBe('600')
    expect(proxy.remains().some((name) => file.path.includes(name))).toBe(true)
    await endSession(alice)
    await expect.poll(() => proxy.remains()).toEqual([])
  } finally {
    await proxy.close()
  }
})

test('several fields of one credential travel together, and a new credential changes all of them', async () => {
  const proxy = await startStdioProxy({
    upstream: {
      env: { TOKEN: '{pat}', GREETING: 'I am {name} at {{home}}' },
      credential: {
        variables: { name: { label: 'Name' }, pat: { label: 'Personal access token', type: 'password' } },
      },
    },
  })
  try {
    const alice = await proxy.connect('alice')
    await fillIn(linkIn(await tool(alice, 'who_am_i')), 'alice', { name: 'Ada', pat: TOKENS.alice })
    expect(await tool(alice, 'who_am_i')).toBe('You are alice')
    expect(JSON.parse(await tool(alice, 'surroundings')).greeting).toBe('I am Ada at {home}')
  } finally {
    await proxy.close()
  }
})

test('a user at the limit is told what to do, others are not affected, and a closed session makes room', async () => {
  const proxy = await startStdioProxy({ proxy: { children: { maxPerOwner: 1 } } })
  try {
    const [alice, bob] = await Promise.all([proxy.connectAndFill('alice'), proxy.connectAndFill('bob')])
    expect(await tool(alice, 'who_am_i')).toBe('You are alice')
    const second = await proxy.connect('alice')
    await expect(tool(second, 'who_am_i')).rejects.toThrow('as many servers running as one user may')
    expect(await tool(bob, 'who_am_i')).toBe('You are bob')
    await endSession(alice)
    await expect.poll(() => tool(second, 'who_am_i').catch(String)).toBe('You are alice')
  } finally {
    await proxy.close()
  }
})

test('a server that does not answer its start ends at the deadline, and the call says so', async () => {
  const proxy = await startStdioProxy({
    upstream: { command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'], startDeadlineSeconds: 1 },
  })
  try {
    const alice = await proxy.connectAndFill('alice')
    await expect(tool(alice, 'who_am_i')).rejects.toThrow('did not answer in time')
    expect(proxy.remains()).toEqual([])
    const ended = proxy.harness.audit.events.findLast(({ type }) => type === 'child.ended')
    expect(ended?.reason).toBe('start_deadline')
  } finally {
    await proxy.close()
  }
})
