/** As much of a browser as a login needs: cookies by host, redirects followed by hand, no scripts. */
export interface TestBrowser {
  fetch(url: string, init?: RequestInit): Promise<Response>
  /** Presses the button of `user` on the identity provider's page; stops before the callback, whose address it returns. */
  signIn(issuer: string, authorizationUrl: string, user: string): Promise<URL>
}

const MAX_STEPS = 12

export function browserOf(): TestBrowser {
  const cookies = new Map<string, Map<string, string>>()

  async function request(url: string, init: RequestInit = {}): Promise<Response> {
    const host = new URL(url).hostname
    const jar = cookies.get(host) ?? new Map<string, string>()
    cookies.set(host, jar)
    const headers = new Headers(init.headers)
    if (jar.size > 0) headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) keep(jar, line)
    return response
  }

  return {
    fetch: request,
    async signIn(issuer, authorizationUrl, user) {
      let url = authorizationUrl
      for (let step = 0; step < MAX_STEPS; step += 1) {
        if (!url.startsWith(`${issuer}/`)) return new URL(url)
        const isSignIn = new URL(url).pathname.startsWith('/sign-in/')
        const response = isSignIn
          ? await request(url, { method: 'POST', body: new URLSearchParams({ account: user }) })
          : await request(url)
        const body = await response.text()
        const location = response.headers.get('location')
        if (location === null)
          throw new Error(`The identity provider answered ${response.status}: ${body.slice(0, 500)}`)
        url = new URL(location, url).href
      }
      throw new Error('The login goes in circles.')
    },
  }
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';')
  const separator = pair.indexOf('=')
  const name = pair.slice(0, separator).trim()
  const value = pair.slice(separator + 1)
  const ended = attributes.some((attribute) => /^\s*expires=Thu, 01 Jan 1970/i.test(attribute))
  if (value === '' || ended) jar.delete(name)
  else jar.set(name, value)
}
