const SLOTS = 16_384
const POLYNOMIAL = 0x1021

/** Returns the slot of a key in a cluster: CRC16 (XMODEM) of what stands in its first braces, or of all of it. */
export function keySlot(key: string): number {
  const [, tag] = /^[^{]*\{([^}]+)\}/.exec(key) ?? []
  let crc = 0
  for (const byte of Buffer.from(tag ?? key)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1) & 0xffff
  }
  return crc % SLOTS
}

/** The slots of one master, as `CLUSTER SLOTS` gives them. */
export interface SlotRange {
  readonly from: number
  readonly to: number
  /** `host:port` of its master. An empty host is the one that was asked. */
  readonly master: { readonly host: string; readonly port: number }
}

export function slotRanges(reply: unknown): readonly SlotRange[] {
  if (!Array.isArray(reply)) return []
  return reply.flatMap((range: unknown) => {
    if (!Array.isArray(range)) return []
    const [from, to, master] = range as readonly unknown[]
    if (!Array.isArray(master)) return []
    return [{ from: Number(from), to: Number(to), master: { host: String(master[0] ?? ''), port: Number(master[1]) } }]
  })
}

/** Where a reply sends the command: `MOVED` for good, `ASK` this once. */
export interface Redirect {
  readonly kind: 'MOVED' | 'ASK'
  readonly slot: number
  /** `host:port` */
  readonly address: string
}

export function redirectOf(error: unknown): Redirect | undefined {
  const text = error instanceof Error ? error.message : ''
  const [, kind, slot, address] = /^(MOVED|ASK) (\d+) (\S*:\d+)$/.exec(text) ?? []
  return address === undefined ? undefined : { kind: kind === 'ASK' ? 'ASK' : 'MOVED', slot: Number(slot), address }
}
