/** E.g. `14:03:20 UTC`. */
export function timeOfDay(time: Date): string {
  return `${time.toISOString().slice(11, 19)} UTC`
}
