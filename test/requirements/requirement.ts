/** How strongly a source asks: OWASP levels 1 to 3, or the words of RFC 2119. */
export type Level = 1 | 2 | 3 | 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'RECOMMENDED' | 'MAY'

/** A test file below `test/`, without its ending, and words of the test that stand in it. */
export type Citation = readonly [file: string, words: string]

export type Answer =
  | { readonly kind: 'tested'; readonly tests: readonly Citation[]; readonly remark?: string }
  /** Nothing here can be tested: the feature does not exist, or only prose or the operator can answer. */
  | { readonly kind: 'reasoned'; readonly reason: string }
  /** Asked for, and not there. */
  | { readonly kind: 'open'; readonly missing: string }

export interface Requirement {
  readonly id: string
  readonly level: Level
  /** What is asked: in our own words, or quoted. */
  readonly asks: string
  readonly answer: Answer
}

export interface Chapter {
  readonly title: string
  /** It quotes its source, and each of its citations is the title of a test. */
  readonly quoted?: true
  readonly requirements: readonly Requirement[]
}

type Build = (answer: Answer) => Requirement

export function ask(
  id: string,
  level: Level,
  asks: string,
): {
  tested: (...tests: Citation[]) => Requirement
  reasoned: (reason: string) => Requirement
  open: (missing: string) => Requirement
} {
  const build: Build = (answer) => ({ id, level, asks, answer })
  return {
    tested: (...tests) => build({ kind: 'tested', tests }),
    reasoned: (reason) => build({ kind: 'reasoned', reason }),
    open: (missing) => build({ kind: 'open', missing }),
  }
}

const ASVS_FILES: Readonly<Record<string, string>> = {
  1: '0x10-V1-Encoding-and-Sanitization',
  2: '0x11-V2-Validation-and-Business-Logic',
  3: '0x12-V3-Web-Frontend-Security',
  4: '0x13-V4-API-and-Web-Service',
  5: '0x14-V5-File-Handling',
  6: '0x15-V6-Authentication',
  7: '0x16-V7-Session-Management',
  8: '0x17-V8-Authorization',
  9: '0x18-V9-Self-contained-Tokens',
  10: '0x19-V10-OAuth-and-OIDC',
  11: '0x20-V11-Cryptography',
  12: '0x21-V12-Secure-Communication',
  13: '0x22-V13-Configuration',
  14: '0x23-V14-Data-Protection',
  15: '0x24-V15-Secure-Coding-and-Architecture',
  16: '0x25-V16-Security-Logging-and-Error-Handling',
}

const MCP = 'https://modelcontextprotocol.io/specification'

/** Where the original stands. Throws for an id of no known source. */
export function linkOf(id: string): string {
  const [, chapter] = /^ASVS (\d+)\.\d+\.\d+$/.exec(id) ?? []
  if (chapter !== undefined) {
    return `https://github.com/OWASP/ASVS/blob/v5.0.0/5.0/en/${ASVS_FILES[chapter]}.md`
  }
  if (/^AISVS C10\.\d+\.\d+$/.test(id))
    return 'https://github.com/OWASP/AISVS/blob/main/1.0/en/0x10-C10-MCP-Security.md'
  const [, rfc, section] = /^RFC (\d+) §([\d.]+)(?: \(\w+\))?$/.exec(id) ?? []
  if (rfc !== undefined) return `https://www.rfc-editor.org/rfc/rfc${rfc}#section-${section}`
  if (/^SEP-1036 [a-z-]+$/.test(id)) return `${MCP}/2025-11-25/client/elicitation`
  const [, version, page] = /^MCP (\d{4}-\d\d-\d\d) ([a-z/_-]+) \d+$/.exec(id) ?? []
  if (version !== undefined) return `${MCP}/${version}/${page}`
  throw new Error(`There is no source for ${id}`)
}
