/**
 * Begins the staging label of a version that its service rejected; the time follows: `mcp-rejected-20261127T165500Z`. A read returns the
 * labels of a version without another request, and no other version can have this one's.
 */
export const REJECTED = 'mcp-rejected-'
const STAGE = /^mcp-rejected-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

export function rejectionStage(at: Date): string {
  return `${REJECTED}${at.toISOString().replace(/[-:]|\.\d+/g, '')}`
}

/** Returns when a version with these labels was rejected. Two processes may have marked it at once: the first counts. */
export function rejectedAtOf(stages: readonly string[] | undefined): Date | undefined {
  const times = (stages ?? []).flatMap((stage) => {
    const time = Date.parse(stage.replace(STAGE, '$1-$2-$3T$4:$5:$6Z'))
    return STAGE.test(stage) && !Number.isNaN(time) ? [time] : []
  })
  return times.length === 0 ? undefined : new Date(Math.min(...times))
}
