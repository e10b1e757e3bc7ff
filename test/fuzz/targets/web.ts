import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import fc from 'fast-check'
import Koa from 'koa'
import { readJsonBody } from '../../../src/core/network/json-body.ts'
import { addressGroups } from '../../../src/core/network/rate-limit-networks.ts'
import { bearerCredentials } from '../../../src/web/bearer/bearer-credentials.ts'
import { clientAddress } from '../../../src/web/http/client-address.ts'
import { MAX_FORM_BYTES, readFormBody, refusedUnread } from '../../../src/web/http/form-body.ts'
import { hostMatches } from '../../../src/web/http/host-check.ts'
import { renderGuide } from '../../../src/web/pages/guide.ts'
import { MARKER, mustHold, target } from '../target.ts'
import { anyText, headerLike, textLike } from '../texts.ts'

const app = new Koa()
const FORM = 'application/x-www-form-urlencoded'

function requestOf(body: Buffer, headers: Record<string, string>): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  request.method = 'POST'
  Object.assign(request.headers, headers, { 'content-length': String(body.length) })
  request.push(body)
  request.push(null)
  return request
}

function contextOf(body: Buffer, headers: Record<string, string>) {
  const request = requestOf(body, headers)
  return app.createContext(request, new ServerResponse(request))
}

const pair = fc.tuple(textLike('csrf-token', 'pat', 'a.b', 'a[0]', '__proto__'), anyText)
const formText = fc.array(pair, { maxLength: 5 }).map((pairs) => new URLSearchParams(pairs).toString())
const formBody = fc.oneof(
  formText,
  textLike('csrf-token=abc&pat=a%20b+c&notes=%0D%0A', 'a=1&a=2', '__proto__=1', 'a[]=1&a[b]=2', '%E0%A4%A', '&&=&'),
)

/** Tags that the guide's Markdown makes, and nothing else of HTML. */
const TAG =
  /<\/?(?:p|h[2-6]|ul|ol|li|strong|em|del|code|blockquote|table|thead|tbody|tr|br|hr)>|<pre tabindex="0">|<\/pre>|<\/a>/y
const TAG_WITH_ATTRIBUTES =
  /<(?:ol start="\d+"|(?:th|td)(?: align="(?:left|right|center)")?|\/t[hd]|a href="(?:https?:\/\/|mailto:)[^"<>\s]*" target="_blank" rel="noopener noreferrer"|span class="host"|\/span)>/y

function firstLiveMarkup(html: string): string | undefined {
  for (let at = html.indexOf('<'); at >= 0; at = html.indexOf('<', at + 1)) {
    const isOurs = [TAG, TAG_WITH_ATTRIBUTES].some((pattern) => {
      pattern.lastIndex = at
      return pattern.test(html)
    })
    if (!isOurs) return html.slice(at, at + 60)
  }
  return undefined
}

const markdown = textLike(
  '# Title\n\nSee [the page](https://example.com/a?b=c&d "title") and ![image](https://example.com/i.png).\n\n- [ ] one\n- two\n',
  '1. a\n3. b\n\n> quote `code` **bold** *em* ~~del~~\n\n```js\nlet a = "<b>"\n```\n\n| a | b |\n|:--|--:|\n| 1 | <i>2</i> |\n',
  '[x](javascript:alert(1)) [y](JaVaScRiPt&colon;alert(1)) <https://example.com/> <javascript:alert(1)> www.example.com',
  '[a][b]\n\n[b]: data:text/html,<script>alert(1)</script> "t"\n\n<div onclick="x">\n\n</div> <img src=x onerror=alert(1)>',
  '[a](<https://example.com/" onclick="alert(1)>) \\<script\\> &lt;script&gt; a@b.example mailto:x@y.example\n\nTitle\n===\n---\n',
)

/** Where nested or half-open constructs might make a parser take ever longer. The guide's length is limited to this. */
const LONGEST_GUIDE = 20_000
const longMarkdown = fc
  .tuple(
    fc.array(
      fc.constantFrom(
        '[',
        ']',
        '(',
        ')',
        '*',
        '_',
        '`',
        '<',
        '>',
        '\\',
        '!',
        '|',
        '~',
        '#',
        '-',
        '\n',
        ' ',
        'a',
        '&',
        '1.',
        '\t',
        '"',
        ':',
      ),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    fc.integer({ min: 10, max: LONGEST_GUIDE }),
  )
  .map(([parts, length]) => parts.join('').repeat(length).slice(0, length))

const address = textLike(
  '203.0.113.7',
  '::1',
  '2001:db8::1',
  '::ffff:192.0.2.1',
  'fe80::1%eth0',
  '2001:db8::192.0.2.1',
  '::',
)

export const web = [
  target(
    'form body',
    formBody,
    async (text) => {
      const ctx = contextOf(Buffer.from(text), { 'content-type': FORM })
      const fields = await readFormBody(ctx)
      mustHold(Reflect.get(ctx.request, 'body') === undefined, 'the body stays on the request')
      if (typeof fields === 'string') return
      const expected = new Map(new URLSearchParams(text))
      const isPlain =
        !/%(?![0-9a-f]{2})/i.test(text) && Buffer.from(decodedBytes(text)).toString('latin1') === decodedBytes(text)
      if (isPlain) mustHold(sameEntries(fields, expected), 'other fields than the form sent')
    },
    { weight: 30 },
  ),
  target(
    'form body of bytes and headers',
    fc.record({
      bytes: fc.uint8Array({ maxLength: 300 }),
      type: textLike(FORM, `${FORM}; charset=utf-8`, 'multipart/form-data; boundary=x', 'application/json').map(
        headerLike,
      ),
      encoding: fc.constantFrom('identity', 'gzip', 'br', 'deflate', 'x'),
      filler: fc.constantFrom(0, 0, 0, 0, MAX_FORM_BYTES),
    }),
    async ({ bytes, type, encoding, filler }) => {
      const ctx = contextOf(Buffer.concat([bytes, Buffer.alloc(filler, 'a')]), {
        'content-type': type,
        'content-encoding': encoding,
      })
      const refused = refusedUnread(ctx)
      mustHold(refused !== undefined || encoding === 'identity', 'a compressed body')
      if (refused) return
      const fields = await readFormBody(ctx)
      mustHold(typeof fields === 'string' || fields.size <= 64, 'too many fields')
    },
    { weight: 15 },
  ),
  target(
    'JSON body',
    fc.tuple(fc.oneof(fc.json(), anyText), textLike('application/json').map(headerLike)),
    async ([text, type]) => {
      const body = await readJsonBody(requestOf(Buffer.from(text), { 'content-type': type }), 1000)
      if (body === 'aborted' || !body.problem) return
      mustHold(
        [400, 413, 415].includes(body.problem.status) && !body.problem.message.includes(MARKER),
        'another answer',
      )
    },
    { weight: 15 },
  ),
  target(
    'guide in Markdown',
    markdown,
    (text) => {
      const live = firstLiveMarkup(renderGuide(text))
      mustHold(live === undefined, `live markup: ${live}`)
    },
    { weight: 60, within: 5000 },
  ),
  target(
    'long guide in Markdown',
    longMarkdown,
    (text) => {
      const live = firstLiveMarkup(renderGuide(text))
      mustHold(live === undefined, `live markup: ${live}`)
    },
    { weight: 2, within: 10_000 },
  ),
  target(
    'bearer header',
    fc.array(textLike('Bearer abc.def.ghi', 'bearer  x', 'Basic eDp5', 'Bearer ').map(headerLike), { maxLength: 2 }),
    (headers) => {
      const found = bearerCredentials(headers)
      if (found.kind === 'token')
        mustHold(headers.length === 1 && (headers[0] ?? '').endsWith(found.token), 'another token')
    },
    { weight: 60 },
  ),
  target(
    'Host header',
    textLike('mcp.example.com', 'mcp.example.com:443', 'MCP.EXAMPLE.COM').map(headerLike),
    (host) => {
      const matches = hostMatches(host, new URL('https://mcp.example.com'))
      mustHold(!matches || /^mcp\.example\.com(:443)?$/i.test(host), 'another host')
    },
    { weight: 60 },
  ),
  target(
    "client's address",
    fc.tuple(
      fc.array(address, { maxLength: 3 }).map((all) => headerLike(all.join(','))),
      fc.integer({ min: 0, max: 3 }),
    ),
    ([forwarded, proxies]) => {
      const request = new IncomingMessage(new Socket())
      request.headers['x-forwarded-for'] = forwarded
      const [own] = addressGroups(clientAddress(request, proxies))
      mustHold(proxies > 0 || own?.key === '', 'an address from a header that nobody vouches for')
      addressGroups(forwarded)
    },
    { weight: 40 },
  ),
]

/** The text with percent-encoding and plus signs undone, one character a byte. */
function decodedBytes(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replaceAll('+', ' ')
    .replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value)
}
