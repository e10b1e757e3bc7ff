import { fileURLToPath } from 'node:url'
import type { Measure } from '../measure.ts'

export const ORIENTATION = 'for orientation'

/** Path of a program of this folder. */
export function benchScript(name: string): string {
  return fileURLToPath(new URL(`./${name}`, import.meta.url))
}

export function benchMeasure(name: string, value: number, unit: string, goal: string): Measure {
  return { name, value: Number(value.toPrecision(4)), unit, goal }
}
