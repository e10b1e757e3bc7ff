import { type Owner, ownerKey } from '../../core/model/owner.ts'
import type { CloseListener } from './response-close.ts'

/** `mount-options.ts` has the options and defaults: `maxOpenResponsesPerOwner`, `maxUnreadBytesPerOwner` and `writeTimeoutSeconds`. */
export interface OpenResponseLimits {
  /** Most responses of one owner that are open at once. */
  readonly maxPerOwner: number
  /** Most bytes that one owner's clients have not read yet, or have sent in unfinished bodies. A single response may hold more. */
  readonly maxUnreadBytesPerOwner: number
  /** Milliseconds within which a client must read some of the waiting bytes, or send more of its body. */
  readonly writeTimeout: number
}

/** An open response, with the body of its request. */
export interface OpenResponse extends CloseListener {
  /** Adds bytes that wait for the client. */
  waiting(bytes: number): void
  /** Removes bytes that the client has read. */
  taken(bytes: number): void
}

/** The part of a socket that ends it. */
interface Connection {
  destroy(): unknown
}

/** Bounds the memory of clients that do not read, or never finish their bodies. */
export interface OpenResponses {
  /**
   * @param connection destroyed to end the response immediately
   * @returns undefined when the owner has reached the limit of open responses
   */
  open(owner: Owner, connection: Connection): OpenResponse | undefined
  close(): void
}

const CHECK_INTERVAL_MS = 1_000
/** Applies above the limit of unread bytes. A client that reads makes progress in that time. */
const GRACE_WHEN_FULL_MS = 2_000

export function openResponses(limits: OpenResponseLimits): OpenResponses {
  return new CountedResponses(limits)
}

class CountedResponses implements OpenResponses {
  readonly #limits: OpenResponseLimits
  readonly #owners = new Map<string, CountedResponse[]>()
  readonly #unread = new Set<CountedResponse>()
  #looking: NodeJS.Timeout | undefined

  constructor(limits: OpenResponseLimits) {
    this.#limits = limits
  }

  open(client: Owner, connection: Connection): OpenResponse | undefined {
    const owner = ownerKey(client)
    const siblings = this.#owners.get(owner) ?? []
    if (siblings.length >= this.#limits.maxPerOwner) return undefined
    const response = new CountedResponse(this, owner, connection)
    siblings.push(response)
    this.#owners.set(owner, siblings)
    return response
  }

  close(): void {
    clearInterval(this.#looking)
  }

  /** Bytes of this response wait for its client. */
  watch(response: CountedResponse): void {
    this.#unread.add(response)
    this.#looking ??= setInterval(() => this.#look(), Math.min(CHECK_INTERVAL_MS, this.#limits.writeTimeout)).unref()
  }

  unwatch(response: CountedResponse): void {
    this.#unread.delete(response)
  }

  remove(response: CountedResponse): void {
    this.unwatch(response)
    const left = this.#owners.get(response.owner)?.filter((other) => other !== response) ?? []
    if (left.length > 0) this.#owners.set(response.owner, left)
    else this.#owners.delete(response.owner)
  }

  #look(): void {
    const now = performance.now()
    for (const response of [...this.#unread].sort((a, b) => a.lastTaken - b.lastTaken)) {
      const idle = now - response.lastTaken
      if (idle >= this.#limits.writeTimeout || (idle >= GRACE_WHEN_FULL_MS && this.#isFull(response.owner))) {
        this.unwatch(response)
        response.cut()
      }
    }
    if (this.#unread.size > 0) return
    clearInterval(this.#looking)
    this.#looking = undefined
  }

  #isFull(owner: string): boolean {
    const siblings = this.#owners.get(owner) ?? []
    const waiting = siblings.map(({ unread }) => unread).filter((bytes) => bytes > 0)
    return waiting.length > 1 && waiting.reduce((sum, bytes) => sum + bytes) > this.#limits.maxUnreadBytesPerOwner
  }
}

/** One open response, counted for its owner. A class: see "A waiting call takes little memory" in docs/design.md. */
class CountedResponse implements OpenResponse {
  readonly owner: string
  unread = 0
  lastTaken = 0
  readonly #responses: CountedResponses
  readonly #connection: Connection

  constructor(responses: CountedResponses, owner: string, connection: Connection) {
    this.#responses = responses
    this.owner = owner
    this.#connection = connection
  }

  waiting(bytes: number): void {
    if (this.unread === 0) this.lastTaken = performance.now()
    this.unread += bytes
    this.#responses.watch(this)
  }

  taken(bytes: number): void {
    this.unread -= bytes
    this.lastTaken = performance.now()
    if (this.unread <= 0) this.#responses.unwatch(this)
  }

  closed(): void {
    this.#responses.remove(this)
  }

  /** Ends the response immediately. */
  cut(): void {
    this.unread = 0
    this.#connection.destroy()
  }
}
