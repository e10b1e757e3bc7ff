interface Listener {
  readonly onWake: () => void
}

/** Who is to be woken for which topic. */
export interface TopicListeners {
  /** Returns the function that stops listening. */
  listen(topic: string, onWake: () => void): () => void
  wake(topic: string): void
  clear(): void
}

export function createTopicListeners(): TopicListeners {
  // Arrays, because a topic has few listeners, and a set for each takes far more memory.
  const topics = new Map<string, readonly Listener[]>()
  return {
    listen(topic, onWake) {
      const listener = { onWake }
      topics.set(topic, [...(topics.get(topic) ?? []), listener])
      return () => {
        const left = topics.get(topic)?.filter((other) => other !== listener) ?? []
        if (left.length > 0) topics.set(topic, left)
        else topics.delete(topic)
      }
    },

    wake(topic) {
      // A microtask for each listener, so that one that throws does not stop the others.
      for (const listener of topics.get(topic) ?? []) {
        queueMicrotask(() => {
          if (topics.get(topic)?.includes(listener)) listener.onWake()
        })
      }
    },

    clear: () => topics.clear(),
  }
}
