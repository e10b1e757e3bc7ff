import Router from '@koa/router'
import type { Context, Middleware } from 'koa'
import { cancel } from './form/cancel-route.ts'
import { done, entry } from './form/entry-route.ts'
import { submit } from './form/submit-route.ts'
import { askedAsDocument } from './http/same-origin.ts'
import type { LinkTarget } from './http/site.ts'
import { linkTargetOf } from './login/link-target.ts'
import { beginLogin, finishLogin } from './login/login-routes.ts'
import { signOut } from './login/sign-out-route.ts'
import type { Assets } from './pages/assets.ts'
import { answerRateLimited } from './visit/rate-limited.ts'
import { answer, type Desk, type Handler, type Visit } from './visit/visit.ts'

type LinkHandler = (desk: Desk, visit: Visit, target: LinkTarget) => Promise<void>

/** Which handler answers which path and method. Paths are plain; names and handles are checked in the handlers. */
export function createRoutes(desk: Desk, files: Assets['files']): Middleware {
  const { site, limits, renderer, messages } = desk
  // The base path is the operator's text, not a pattern.
  const root = site.root.replace(/[{}()[\]+?!:*\\]/g, '\\$&')
  const router = new Router({ sensitive: true, strict: true })

  function route(path: string, methods: { readonly GET?: Handler; readonly POST?: Handler }): void {
    router.all(`${root}/${path}`, async (ctx) => {
      const visit: Visit = ctx.state['visit']
      const handler = ctx.method === 'GET' ? methods.GET : ctx.method === 'POST' ? methods.POST : undefined
      if (ctx.method === 'HEAD' && methods.GET) return answerHead(ctx)
      if (!handler) {
        ctx.set('Allow', methods.GET ? 'GET, HEAD' : 'POST')
        const target = linkTargetOf(ctx.params['name'], ctx.querystring)
        return answer(ctx, renderer.message(messages.wrongMethod(target)))
      }
      if (ctx.method === 'GET' && !askedAsDocument(ctx.req.headers)) {
        return answer(ctx, renderer.message(messages.notADocument()))
      }
      const wait = await limits.pages.take(visit.address)
      return wait > 0 ? answerRateLimited(desk, visit, wait) : handler(visit)
    })
  }

  const forLink =
    (handle: LinkHandler): Handler =>
    async (visit) => {
      const target = linkTargetOf(visit.ctx['params']['name'], visit.ctx.querystring)
      return target ? handle(desk, visit, target) : answer(visit.ctx, renderer.message(messages.malformed()))
    }

  route('login', { POST: (visit) => beginLogin(desk, visit) })
  route('callback', { GET: (visit) => finishLogin(desk, visit) })
  route('sign-out', { POST: (visit) => signOut(desk, visit) })
  route(':name/entry', { GET: forLink(entry) })
  route(':name/submit', { POST: forLink(submit) })
  route(':name/cancel', { POST: forLink(cancel) })
  route(':name/done', { GET: forLink(done) })
  router.all(`${root}/assets/:file`, async (ctx, next) => {
    const asset = files.get(ctx.path)
    if (!asset) return next()
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      return answer(ctx, renderer.message(messages.wrongMethod(undefined)))
    }
    ctx.set('Cache-Control', 'public, max-age=31536000, immutable')
    ctx.type = asset.type
    ctx.body = asset.body
  })
  return router.routes() as unknown as Middleware
}

/** Like a GET, but nothing is looked up: it says nothing about the link and has no effect. */
function answerHead(ctx: Context): void {
  ctx.status = 200
  ctx.type = 'text/html; charset=utf-8'
  ctx.body = ''
}
