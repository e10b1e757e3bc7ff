import { connect } from 'node:net'

/** Records every command that a server runs, as `MONITOR` prints it. */
export async function recordMonitor(port: number, password: string): Promise<{ stop(): Promise<string> }> {
  let seen = ''
  const socket = connect(port, '127.0.0.1')
  socket.on('data', (data) => {
    seen += data.toString('latin1')
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('data', () => resolve())
    socket.write(`AUTH ${password}\r\nMONITOR\r\n`)
  })
  return {
    async stop() {
      socket.destroy()
      return seen
    },
  }
}
