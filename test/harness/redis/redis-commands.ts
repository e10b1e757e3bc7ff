import { createClient, RESP_TYPES } from 'redis'

/** Never connects. Each connection is its duplicate, since `createClient` takes 30 ms for a server that is not the one before. */
const template = createClient()

export type CommandLine = readonly (string | Buffer)[]

/** Sends commands to a server on loopback as its operator, past our own code. Bulk replies are buffers. */
export async function redisCommands(
  port: number,
  commands: readonly CommandLine[],
  login = {},
): Promise<readonly unknown[]> {
  const client = template.duplicate({ socket: { host: '127.0.0.1', port, reconnectStrategy: false }, ...login })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    const replies: unknown[] = []
    for (const command of commands) replies.push(await binary.sendCommand([...command]))
    return replies
  } finally {
    client.destroy()
  }
}
