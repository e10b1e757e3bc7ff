/** Path of `promtool`, from Debian's package `prometheus` in .cache. Ends the process, with what to do, if there is none. */
export function bringPromtool(): string
