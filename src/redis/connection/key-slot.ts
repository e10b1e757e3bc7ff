import { isPort } from './redis-options.ts'

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

/** Leaves out what makes no sense. A slot belongs to one master, so the ranges have no more slots in all than there are. */
export function slotRanges(reply: unknown): readonly SlotRange[] {
  const ranges: SlotRange[] = []
  let left = SLOTS
  for (const given of Array.isArray(reply) ? reply : []) {
    const range = slotRange(given)
    if (!range) continue
    left -= range.to - range.from + 1
    if (left < 0) break
    ranges.push(range)
  }
  return ranges
}

function slotRange(given: unknown): SlotRange | undefined {
  const [first, last, master] = Array.isArray(given) ? (given as readonly unknown[]) : []
  const [host, port] = Array.isArray(master) ? (master as readonly unknown[]) : []
  const range = { from: Number(first), to: Number(last), master: { host: String(host ?? ''), port: Number(port) } }
  return isSlot(range.from) && isSlot(range.to) && range.from <= range.to && isPort(range.master.port)
    ? range
    : undefined
}

function isSlot(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < SLOTS
}

/** The server to which a slot was moved for good. */
export interface MovedSlot {
  readonly slot: number
  /** `host:port` */
  readonly address: string
}

/**
 * Returns what a `MOVED` reply says. `ASK` is not followed: it tells of a slot that is being moved, key by key, and sends a script to the new
 * server whichever of its keys are there. The script would take the others for absent.
 */
export function movedSlotOf(error: unknown): MovedSlot | undefined {
  const text = error instanceof Error ? error.message : ''
  const [, slot, address, port] = /^MOVED (\d+) (\S*:(\d+))$/.exec(text) ?? []
  if (address === undefined || !isSlot(Number(slot)) || !isPort(Number(port))) return undefined
  return { slot: Number(slot), address }
}
