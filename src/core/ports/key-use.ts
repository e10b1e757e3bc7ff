/** One use of a key that an operator configured. It reveals nothing about the key. */
export interface KeyUse {
  /** The variable of the current key for this use, e.g. `MCP_WEB_KEY`. */
  readonly variable: string
  /** Where this key was found, for messages, e.g. `MCP_WEB_KEY_ACCEPTED`. */
  readonly source: string
  /** The same for the same key. */
  readonly digest: string
}
