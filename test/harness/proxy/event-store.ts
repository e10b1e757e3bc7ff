import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'

/** Keeps every event, so that a client can take up a stream again. */
export function memoryEventStore(): EventStore {
  const events: { readonly id: string; readonly streamId: string; readonly message: JSONRPCMessage }[] = []
  return {
    async storeEvent(streamId, message) {
      const id = `event-${events.length}`
      events.push({ id, streamId, message })
      return id
    },
    async replayEventsAfter(lastEventId, { send }) {
      const at = events.findIndex(({ id }) => id === lastEventId)
      const streamId = events[at]?.streamId ?? ''
      // The first event of a stream has no message, only a place.
      for (const one of events.slice(at + 1))
        if (one.streamId === streamId && 'jsonrpc' in one.message) await send(one.id, one.message)
      return streamId
    },
  }
}
