/** As much of a browser as the walk needs: cookies by host, redirects, links and forms. No scripts, as the pages need none. */
export interface HttpBrowser {
  open(url: string): Promise<Page>
  /** Follows the link with this text. */
  follow(page: Page, linkText: string): Promise<Page>
  /** Fills in fields of the form that has this button, and presses it. */
  press(page: Page, buttonText: string, fields?: Readonly<Record<string, string>>): Promise<Page>
}

export interface Page {
  readonly url: string
  readonly status: number
  readonly html: string
}

/** `stopBefore`: a redirect to an address that starts so is not followed; the page returned has it as its `url`, and status 0. */
export function httpBrowser({ stopBefore }: { readonly stopBefore?: string } = {}): HttpBrowser {
  const jars = new Map<string, Map<string, string>>()

  async function request(url: string, init: RequestInit = {}): Promise<Page> {
    if (stopBefore !== undefined && url.startsWith(stopBefore)) return { url, status: 0, html: '' }
    const { hostname } = new URL(url)
    const jar = jars.get(hostname) ?? new Map<string, string>()
    jars.set(hostname, jar)
    const headers = new Headers(init.headers)
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) keep(jar, line)
    const location = response.headers.get('location')
    if (location !== null) return request(new URL(location, url).href)
    return { url, status: response.status, html: await response.text() }
  }

  return {
    open: (url) => request(url),

    follow(page, linkText) {
      const link = tags(page.html, 'a').find((candidate) => candidate.text.includes(linkText))
      if (!link)
        throw new Error(`There is no link "${linkText}" on ${new URL(page.url).pathname}:\n${textOf(page.html)}`)
      return request(new URL(link.attributes.get('href') ?? '', page.url).href)
    },

    press(page, buttonText, fields = {}) {
      const forms = tags(page.html, 'form')
      for (const around of forms) {
        const button = tags(around.inner, 'button').find((candidate) => candidate.text.includes(buttonText))
        if (!button) continue
        // A button may belong to another form than the one it stands in.
        const named = button.attributes.get('form')
        const form =
          named === undefined ? around : (forms.find(({ attributes }) => attributes.get('id') === named) ?? around)
        const hidden = [...form.inner.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)].map(([tag]) => attributesOf(tag))
        const body = new URLSearchParams(
          hidden.map((input): [string, string] => [input.get('name') ?? '', input.get('value') ?? '']),
        )
        const name = button.attributes.get('name')
        if (name !== undefined) body.set(name, button.attributes.get('value') ?? '')
        for (const [field, value] of Object.entries(fields)) body.set(field, value)
        const target = button.attributes.get('formaction') ?? form.attributes.get('action') ?? ''
        const headers = { origin: new URL(page.url).origin, 'sec-fetch-site': 'same-origin' }
        return request(new URL(target, page.url).href, { method: 'POST', body, headers })
      }
      throw new Error(`There is no button "${buttonText}" on ${new URL(page.url).pathname}:\n${textOf(page.html)}`)
    },
  }
}

/** A page's words, for printing and for checks. */
export function textOf(html: string): string {
  const body = html.replace(/^[\s\S]*<body[^>]*>/, '').replace(/<(script|style)\b[\s\S]*?<\/\1>/g, '')
  return unescapeHtml(body.replace(/<[^>]+>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim()
}

interface Tag {
  readonly attributes: ReadonlyMap<string, string>
  readonly inner: string
  readonly text: string
}

function tags(html: string, name: string): Tag[] {
  return [...html.matchAll(new RegExp(`<${name}\\b([^>]*)>([\\s\\S]*?)</${name}>`, 'g'))].map(
    ([, attributes = '', inner = '']) => ({
      attributes: attributesOf(attributes),
      inner,
      text: textOf(inner),
    }),
  )
}

function attributesOf(tag: string): ReadonlyMap<string, string> {
  return new Map(
    [...tag.matchAll(/([a-z-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, unescapeHtml(value)]),
  )
}

function unescapeHtml(text: string): string {
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ' } as const
  return text.replace(/&(?:#(\d+)|(amp|lt|gt|quot|nbsp));/g, (_, code?: string, name?: keyof typeof named) =>
    name ? named[name] : String.fromCodePoint(Number(code)),
  )
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';')
  const name = pair.slice(0, pair.indexOf('=')).trim()
  const value = pair.slice(pair.indexOf('=') + 1)
  const expired = attributes.some((attribute) => /^\s*(expires=Thu, 01 Jan 1970|max-age=0)/i.test(attribute))
  if (value === '' || expired) jar.delete(name)
  else jar.set(name, value)
}
