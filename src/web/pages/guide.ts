import { Marked, type Tokens } from 'marked'
import { parsedUrl } from '../../core/model/url-value.ts'

const LINK_PROTOCOLS = new Set(['https:', 'http:', 'mailto:'])
/** The page's own heading is the only h1. */
const HEADING_SHIFT = 1
const DEEPEST_HEADING = 6
/** Longest paragraph that may contain emphasis, in characters. The lexer searches the whole paragraph for the end of each emphasis. */
const LONGEST_EMPHASISED = 2000

/**
 * Renders the operator's guide as HTML. It is the only HTML that a page includes unescaped, so everything in it is made here: raw HTML
 * becomes text, links keep only harmless protocols, images become their description.
 */
export function renderGuide(markdown: string): string {
  const guide = new Marked({ async: false, gfm: true })
  guide.use({
    tokenizer: {
      emStrong: (_source, paragraph) => (paragraph.length > LONGEST_EMPHASISED ? undefined : false),
      del: (_source, paragraph) => (paragraph.length > LONGEST_EMPHASISED ? undefined : false),
    },
    renderer: {
      html: ({ text, block }: Tokens.HTML | Tokens.Tag) => (block ? `<p>${escapeHtml(text)}</p>\n` : escapeHtml(text)),
      heading({ tokens, depth }: Tokens.Heading) {
        const level = Math.min(depth + HEADING_SHIFT, DEEPEST_HEADING)
        return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`
      },
      link({ href, tokens }: Tokens.Link) {
        const text = this.parser.parseInline(tokens)
        const target = externalUrl(href)
        if (!target) return text
        // Show the host, so that users see where an outgoing link goes.
        const host =
          target.host !== '' && !text.includes(target.host)
            ? ` <span class="host">(${escapeHtml(target.host)})</span>`
            : ''
        return `<a href="${escapeHtml(target.href)}" target="_blank" rel="noopener noreferrer">${text}</a>${host}`
      },
      image: ({ text }: Tokens.Image) => escapeHtml(text),
      // After a raw <script> or <pre> the lexer takes text for markup to keep. There is none here, so it is escaped.
      text: (token: Tokens.Text | Tokens.Escape) =>
        'escaped' in token && token.escaped ? escapeHtml(token.text) : false,
      code: ({ text }: Tokens.Code) => `<pre tabindex="0"><code>${escapeHtml(text)}\n</code></pre>\n`,
      checkbox: ({ checked }: Tokens.Checkbox) => (checked ? '☑ ' : '☐ '),
    },
  })
  try {
    return String(guide.parse(markdown))
  } catch {
    // The guide is nested deeper than the stack, which no person writes.
    return `<pre tabindex="0"><code>${escapeHtml(markdown)}\n</code></pre>\n`
  }
}

/** Accepts absolute addresses only: a relative one would lead to our own pages. */
function externalUrl(href: string): URL | undefined {
  const url = parsedUrl(href)
  if (!url) return undefined
  return LINK_PROTOCOLS.has(url.protocol) ? url : undefined
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}
