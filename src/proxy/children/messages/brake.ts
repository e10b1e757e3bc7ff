import type { QueueSource } from './message-queue.ts'

const SECOND = 1_000

/**
 * Slows down what a child writes for nobody: the returned function counts bytes, and pauses the source for the rest of the second once there
 * are too many. Otherwise a child that writes without end would keep the whole proxy busy.
 */
export function createBrake(source: QueueSource, bytesPerSecond: number): (bytes: number) => void {
  let began = 0
  let counted = 0
  let resuming: NodeJS.Timeout | undefined

  return (bytes) => {
    const now = performance.now()
    if (now - began >= SECOND) {
      began = now
      counted = 0
    }
    counted += bytes
    if (counted <= bytesPerSecond || resuming !== undefined) return
    source.pause()
    resuming = setTimeout(
      () => {
        resuming = undefined
        source.resume()
      },
      began + SECOND - now,
    ).unref()
  }
}
