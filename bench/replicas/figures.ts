/** What happened under load. Counters that are added up over users and modes. */
export interface Figures {
  kills: number
  /** Calls answered with the caller's own token. */
  calls: number
  links: number
  /** Calls that waited for a form and ended with its result. */
  waited: number
  /** Calls and pages that a killed replica cut off. */
  cut: number
  revoked: number
  acknowledged: number
  /** Saves whose answer did not arrive or was no success, and how many of them were saved. */
  unknown: number
  unknownWritten: number
  /** Forms whose button was pressed twice at once. */
  doubles: number
  /** Answers that were neither a result nor a link. */
  readonly refused: string[]
  /** The longest time, in milliseconds, for which a state had been replaced when a call began that still saw it. */
  stale: number
  readonly problems: string[]
}

export function noFigures(): Figures {
  const zero = { kills: 0, calls: 0, links: 0, waited: 0, cut: 0, revoked: 0, acknowledged: 0, unknown: 0 }
  return { ...zero, unknownWritten: 0, doubles: 0, refused: [], stale: 0, problems: [] }
}

export function summary(figures: Figures, seconds: number): string {
  const { kills, calls, links, waited, cut, revoked, acknowledged, unknown, unknownWritten, doubles } = figures
  const parts = [
    `${(seconds / 60).toFixed(1)} min`,
    `${kills} replicas killed`,
    `${calls} calls answered with the caller's own token, ${waited} of them after they waited for its form`,
    `${links} links`,
    `${acknowledged} saves acknowledged`,
    `${unknown} not (${unknownWritten} of them were stored)`,
    `${doubles} forms sent twice at once`,
    `${revoked} revocations`,
    `${cut} requests cut off by a kill`,
    `${figures.refused.length} other answers`,
    `a replaced state was seen for up to ${Math.ceil(figures.stale)} ms`,
  ]
  const end =
    figures.problems.length === 0
      ? "no credential lost, none saved twice, no call answered with another user's data"
      : `${figures.problems.length} PROBLEMS`
  return `${parts.join(', ')}: ${end}`
}
