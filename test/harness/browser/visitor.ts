import type { FormServer, Link, RawRequest, RawResponse } from './form-server.ts'

/** A browser without scripts: cookies, forms and links of the pages. */
export interface Visitor {
  readonly cookies: Map<string, string>
  get(path: string, headers?: RawRequest['headers']): Promise<RawResponse>
  post(
    path: string,
    fields: Readonly<Record<string, string>> | string,
    headers?: RawRequest['headers'],
  ): Promise<RawResponse>
  /** Presses the sign-in button of a link's page, signs in at the identity provider, and comes back. Resolves the callback's answer. */
  signIn(user: string, link: Link, options?: { readonly switchAccount?: boolean }): Promise<RawResponse>
  /** Signs in from the page of the user's own credentials. Resolves the callback's answer. */
  signInToAccount(user: string): Promise<RawResponse>
  /** Opens the account page, or another one, and presses the button that posts to this path. */
  press(action: string, page?: string): Promise<RawResponse>
  /** As {@link signIn}, up to the callback's path and query, which is not yet fetched. */
  signInUpToCallback(user: string, link: Link): Promise<string>
  /** Opens the form and sends it. */
  submit(link: Link, values: Readonly<Record<string, string>>): Promise<RawResponse>
}

export function visitorOf(server: Pick<FormServer, 'send' | 'provider'>): Visitor {
  const cookies = new Map<string, string>()

  async function send(request: RawRequest): Promise<RawResponse> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await server.send({
      ...request,
      headers: { ...(cookie === '' ? {} : { cookie }), ...request.headers },
    })
    for (const line of response.headers['set-cookie'] ?? []) keep(cookies, line)
    return response
  }

  const visitor: Visitor = {
    cookies,
    get: (path, headers = {}) => send({ path, headers }),
    post: (path, fields, headers = {}) =>
      send({
        method: 'POST',
        path,
        headers,
        body: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
      }),

    async signInUpToCallback(user, link) {
      const page = await visitor.post(loginPath(link), { provider: link.request.provider, t: link.request.handle })
      const callback = await server.provider?.signIn(continueLink(page.text), user)
      if (!callback) throw new Error('There is no identity provider.')
      return callback.pathname + callback.search
    },

    async signIn(user, link, { switchAccount = false } = {}) {
      const fields = {
        provider: link.request.provider,
        t: link.request.handle,
        ...(switchAccount ? { switch: '1' } : {}),
      }
      const page = await visitor.post(loginPath(link), fields)
      const callback = await server.provider?.signIn(continueLink(page.text), user)
      if (!callback) throw new Error('There is no identity provider.')
      return visitor.get(callback.pathname + callback.search)
    },

    async signInToAccount(user) {
      const page = await visitor.post('/credentials/login', { to: 'account' })
      const callback = await server.provider?.signIn(continueLink(page.text), user)
      if (!callback) throw new Error('There is no identity provider.')
      return visitor.get(callback.pathname + callback.search)
    },

    async press(action, page = '/credentials') {
      const { text } = await visitor.get(page)
      return visitor.post(action, { 'csrf-token': accountToken(text, action) })
    },

    async submit(link, values) {
      const form = await visitor.get(link.entry)
      return visitor.post(link.submit, { 'csrf-token': csrfOf(form.text, link), ...values })
    },
  }
  return visitor
}

function loginPath(link: Link): string {
  return `${link.entry.split(`/${link.request.provider}/`)[0]}/login`
}

/** Address behind the button of the page that leads to the identity provider. */
export function continueLink(html: string): string {
  const href = /<a class="button primary" href="([^"]+)">Continue<\/a>/.exec(html)?.[1]
  if (href === undefined) throw new Error(`There is no way on in: ${html.slice(0, 2000)}`)
  return decode(href)
}

/** Token of the form that posts to this link's submit. */
export function csrfOf(html: string, link: Link): string {
  const form = html.slice(Math.max(0, html.indexOf(`action="${link.submit.replaceAll('&', '&amp;')}"`)))
  return hiddenField(form, 'csrf-token') ?? ''
}

/** Token of the button on the account page that posts to this path. */
export function accountToken(html: string, action: string): string {
  const at = html.indexOf(`action="${action}"`)
  return at < 0 ? '' : (hiddenField(html.slice(at), 'csrf-token') ?? '')
}

export function hiddenField(html: string, name: string): string | undefined {
  const value = new RegExp(`<input type="hidden" name="${name}" value="([^"]*)">`).exec(html)?.[1]
  return value === undefined ? undefined : decode(value)
}

export function headingOf(html: string): string {
  return decode(/<h1[^>]*>([^<]*)<\/h1>/.exec(html)?.[1] ?? '')
}

function decode(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';')
  const separator = pair.indexOf('=')
  const name = pair.slice(0, separator).trim()
  if (attributes.some((attribute) => /^\s*max-age=0$/i.test(attribute))) jar.delete(name)
  else jar.set(name, pair.slice(separator + 1))
}
