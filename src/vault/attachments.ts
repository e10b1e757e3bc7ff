import type { FormProvider } from '../core/ports/form-provider.ts'
import type { KoaApplication, KoaMiddleware } from '../core/ports/koa.ts'
import type { ProviderEnds } from './parts/closing.ts'

/** What applications and providers have attached to a vault. */
export interface Attachments {
  /** Mounts the routes on the application, once. */
  register(app: KoaApplication, routes: KoaMiddleware): void
  /** Runs `end` when the vault closes. A provider that is attached again replaces its own. */
  provider(form: Pick<FormProvider, 'name'>, end: () => Promise<void>): void
  readonly providerEnds: ProviderEnds
}

export function createAttachments(): Attachments {
  const registered = new WeakSet<KoaApplication>()
  const ends = new Map<string, () => Promise<void>>()
  return {
    register(app, routes) {
      if (registered.has(app)) return
      registered.add(app)
      app.use(routes)
    },
    provider: ({ name }, end) => void ends.set(name, end),
    providerEnds: () => [...ends.values()],
  }
}
