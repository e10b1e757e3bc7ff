/** A standing stream of a session, read as it comes. */
export interface StandingStream {
  readonly text: () => string
  close(): void
}

export async function openStandingStream(url: string, token: string, sessionId: string): Promise<StandingStream> {
  const gone = new AbortController()
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream', 'mcp-session-id': sessionId },
    signal: gone.signal,
  })
  let heard = ''
  const read = async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) heard += decoder.decode(chunk, { stream: true })
  }
  read().catch(() => undefined)
  return { text: () => heard, close: () => gone.abort() }
}
