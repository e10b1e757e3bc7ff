import { SUITE } from './quoted.ts'
import { type Answer, type Chapter, type Level, linkOf, type Requirement } from './requirement.ts'

/** The page docs/security.md. */
export function requirementsPage(chapters: readonly Chapter[]): string {
  const all = chapters.flatMap(({ requirements }) => requirements)
  const rows = [1, 2, 3, 'MUST', 'SHOULD'].map((group) => {
    const of = all.filter(({ level }) => groupOf(level) === group)
    const count = (kind: Answer['kind']) => of.filter(({ answer }) => answer.kind === kind).length
    const name =
      typeof group === 'number'
        ? `OWASP level ${group}`
        : group === 'MUST'
          ? 'MUST, MUST NOT'
          : 'SHOULD, RECOMMENDED, MAY'
    return `| ${name} | ${of.length} | ${count('tested')} | ${count('reasoned')} | ${count('open')} |`
  })
  const open = all.filter(({ answer }) => answer.kind === 'open')
  return `# Security requirements

What published standards ask of a server that collects secrets on a form of its own and is an OAuth resource server, and what shows that
it is done. \`npm run docs:security\` makes this page from \`test/requirements.ts\`; \`npm test\` fails when a row has neither a test nor a
reason, when a test that it names is gone, or when this page is not up to date. The threat model is in [SECURITY.md](../SECURITY.md).

Sources: Model Context Protocol 2025-11-25 and 2026-07-28, OWASP ASVS 5.0.0, OWASP AISVS 1.0 chapter C10, RFC 6750, RFC 9207, RFC 9700
and RFC 9728. Requirements are in our own words or quoted; the identifier leads to the original. Numbers behind an MCP page count our own
list of what it asks. "Tested" names tests, "reasoned" says why no test can answer, "not met" says what is missing.

| level | asked | tested | reasoned | not met |
|---|---|---|---|---|
${rows.join('\n')}

## Not met

${open
  .map((requirement) => `* ${nameOf(requirement)}: ${requirement.asks} ${missingOf(requirement.answer)}`)
  .map(wrapped)
  .join('\n')}

${chapters.map(chapterText).join('\n\n')}
`
}

function groupOf(level: Level): 1 | 2 | 3 | 'MUST' | 'SHOULD' {
  if (typeof level === 'number') return level
  return level.startsWith('MUST') ? 'MUST' : 'SHOULD'
}

function nameOf({ id, level }: Requirement): string {
  return `[${id}](${linkOf(id)}) (${typeof level === 'number' ? `level ${level}` : level})`
}

function missingOf(answer: Answer): string {
  return answer.kind === 'open' ? answer.missing : ''
}

function chapterText({ title, requirements }: Chapter): string {
  return `## ${title}\n\n${requirements.map((requirement) => wrapped(`* ${nameOf(requirement)}: ${requirement.asks}\n${answerText(requirement.answer)}`)).join('\n')}`
}

function answerText(answer: Answer): string {
  switch (answer.kind) {
    case 'open':
      return `Not met. ${answer.missing}`
    case 'reasoned':
      return `Reasoned. ${answer.reason}`
    case 'tested': {
      const files = [...new Set(answer.tests.map(([file]) => file))]
      return `Tested: ${files.map(fileLink).join(', ')}`
    }
  }
}

function fileLink(file: string): string {
  return file === SUITE ? '[conformance suite](../test/conformance/main.ts)' : `[${file}](../test/${file}.test.ts)`
}

const WIDTH = 138

/** Lines of at most so many characters, except where one word is longer; what follows the first is part of the same item. */
function wrapped(text: string): string {
  const lines: string[] = []
  for (const part of text.split('\n')) {
    let line = lines.length === 0 ? '' : ' '
    for (const word of part.split(' ')) {
      if (line.trim() !== '' && line.length + 1 + word.length > WIDTH) {
        lines.push(line)
        line = ' '
      }
      line += line === '' ? word : ` ${word}`
    }
    lines.push(line)
  }
  return lines.join('\n')
}
