/** What operators were told of one outage, so that they read each of its problems once, and its end. */
export interface Outage {
  /** Whether operators have not been told of this problem since the outage began. The first problem begins it. */
  isNews(problem: string): boolean
  /** Ends the outage. Returns whether there was one. */
  end(): boolean
}

/** A busy server's operations may fail in turns for two reasons, so it does not suffice to remember the last one. */
export function createOutage(): Outage {
  const told = new Set<string>()
  return {
    isNews(problem) {
      if (told.has(problem)) return false
      told.add(problem)
      return true
    },
    end() {
      const hasLasted = told.size > 0
      told.clear()
      return hasLasted
    },
  }
}
