import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below what Linux and macOS give out by themselves, so that no server on port 0 and no connection takes it in the meantime. */
const FROM = 20_000
const TO = 32_000

/** A loopback port that nothing listens on right now, for a process that has to be told one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FROM, TO)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
