import type { FormProvider } from '../core/ports/form-provider.ts'
import type { KoaApplication, KoaMiddleware } from '../core/ports/koa.ts'

/** What applications and providers have attached to a vault. */
export interface Attachments {
  /** Mounts the routes on the application, once. */
  register(app: KoaApplication, routes: KoaMiddleware): void
  /** Runs `end` when the vault closes. A provider that is attached again replaces its own. */
  provider(form: Pick<FormProvider, 'name'>, end: () => Promise<void>): void
  onClose(end: () => Promise<void>): void
  /** Runs every end, each once. */
  end(): Promise<readonly PromiseSettledResult<void>[]>
}

export function createAttachments(): Attachments {
  const registered = new WeakSet<KoaApplication>()
  const endings: (() => Promise<void>)[] = []
  const providerEndings = new Map<string, () => Promise<void>>()
  return {
    register(app, routes) {
      if (registered.has(app)) return
      registered.add(app)
      app.use(routes)
    },
    provider: ({ name }, end) => void providerEndings.set(name, end),
    onClose: (end) => void endings.push(end),
    async end() {
      const ends = [...endings.splice(0), ...providerEndings.values()]
      providerEndings.clear()
      return Promise.allSettled(ends.map(async (end) => end()))
    },
  }
}
