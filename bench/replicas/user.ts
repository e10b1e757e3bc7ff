import { setTimeout as delay } from 'node:timers/promises'
import { type HttpBrowser, httpBrowser, type Page, textOf } from '../../examples/tickets/http-browser.ts'
import { openForm } from '../../test/harness/mcp-harness.ts'
import type { Fleet } from '../../test/harness/replicas/fleet.ts'
import { type BenchSession, openBenchSession } from '../mcp-session.ts'
import type { Figures } from './figures.ts'
import { createLedger, type Ledger, type Seen } from './ledger.ts'
import type { Saves } from './saves.ts'

const LINK = /http:\/\/localhost:\d+\/credentials\/jira\/entry\?t=[\w-]+/
const RESULT = /^([0-9a-f]{64}) by replica-\d$/
/** Milliseconds in which a change must have reached every replica: far more than a change takes, less than the cache's 300 s. */
const REACHES_ALL_WITHIN = 10_000
/** Milliseconds in which a waiting call ends after its form was saved: a heartbeat, and patience for a busy machine. */
const ENDS_WITHIN = 40_000
/** Milliseconds after which a user gives up a call whose form was not saved as far as they know. A heartbeat is shorter. */
const GIVES_UP_AFTER = 15_000

export interface LoadUser {
  readonly name: string
  readonly ledger: Ledger
  /** Calls, fills in forms, replaces and revokes until the time, one step after another. */
  work(until: number): Promise<void>
  /** What one call to this replica shows. */
  seenBy(port: number): Promise<Seen>
}

export interface UserParts {
  readonly name: string
  readonly fleet: Fleet
  readonly saves: Saves
  readonly figures: Figures
}

export async function createUser({ name, fleet, saves, figures }: UserParts): Promise<LoadUser> {
  const token = await fleet.identityProvider.issueAccessToken(name, { expiresIn: 24 * 3600 })
  const { url } = fleet.balancer
  const browser = httpBrowser({ stopBefore: `${url}/credentials/jira/done` })
  const ledger = createLedger()
  let forms = 0
  let session: BenchSession | undefined

  /** One call, checked. A link that it gives is filled in: while it waits, or afterwards. */
  async function call(): Promise<void> {
    const began = performance.now()
    const abort = new AbortController()
    let filling: Promise<boolean> | undefined
    try {
      session ??= await openBenchSession(`${url}/mcp`, token)
      const answer = session.call(
        'hash_secret',
        (link) => {
          figures.links += 1
          check(undefined, began)
          filling = fillIn(link)
          void filling.then((saved) => giveUp(abort, saved))
        },
        abort.signal,
      )
      const text = await answer
      const hash = RESULT.exec(text)?.[1]
      if (hash !== undefined) {
        figures.calls += 1
        if (filling) figures.waited += 1
        // Its form may have been saved while it waited.
        await filling
        check(hash, began)
      } else await afterLink(text, began)
    } catch (error) {
      await filling
      await afterLink(String(error), began)
    } finally {
      abort.abort()
    }
  }

  function giveUp(abort: AbortController, saved: boolean): void {
    const timer = setTimeout(
      () => {
        if (saved && !abort.signal.aborted)
          figures.problems.push(`a waiting call of ${name} was not answered after its form was saved`)
        abort.abort()
      },
      saved ? ENDS_WITHIN : GIVES_UP_AFTER,
    ).unref()
    abort.signal.addEventListener('abort', () => clearTimeout(timer))
  }

  async function afterLink(text: string, began: number): Promise<void> {
    const link = LINK.exec(text)?.[0]
    if (link !== undefined) {
      figures.links += 1
      check(undefined, began)
      await fillIn(link)
      return
    }
    session = undefined
    if (text.includes('was refused') || !text.includes('Error: ')) figures.refused.push(text)
    else figures.cut += 1
    await delay(100)
  }

  function check(seen: Seen, began: number): void {
    const owner = seen === undefined ? name : saves.ownerOf(seen)
    if (owner !== name) {
      figures.problems.push(`a call of ${name} was answered with the data of ${owner ?? 'nobody who is known'}`)
      return
    }
    const gone = ledger.goneFor(seen, began)
    if (gone === undefined || gone > REACHES_ALL_WITHIN)
      figures.problems.push(`${name} saw ${seen ?? 'no credential'}, which had been replaced for ${gone ?? 'ever'} ms`)
    else figures.stale = Math.max(figures.stale, gone)
  }

  /** Types new values into the form of this link. Resolves whether one was saved. */
  async function fillIn(link: string): Promise<boolean> {
    return (await page(() => openForm(browser, link, name)).then((form) => form && send(form))) ?? false
  }

  async function send(form: Page): Promise<boolean> {
    if (!form.html.includes('Save credential')) return false
    forms += 1
    const twice = Math.random() < 0.3
    if (twice) figures.doubles += 1
    const sent = await Promise.all(
      Array.from({ length: twice ? 2 : 1 }, async () => {
        const value = saves.newValue(name, `${name}-${forms}`)
        ledger.begin(value)
        const answer = await page(() => browser.press(form, 'Save', { pat: value }))
        // Either the redirect to the success page, which is not followed, or that page itself.
        const saved = answer?.status === 0 || textOf(answer?.html ?? '').includes('Your credential is saved')
        if (saved) saves.acknowledge(value)
        return saved ? value : undefined
      }),
    )
    const saved = sent.filter((value) => value !== undefined)
    if (saved.length > 1) figures.problems.push(`saved twice: both submits of a form of ${name} were acknowledged`)
    if (saved[0] !== undefined) ledger.acknowledged(saved[0])
    return saved.length > 0
  }

  async function replace(): Promise<void> {
    await onAccountPage('Replace', async (form) => void (await send(form)))
  }

  async function revoke(): Promise<void> {
    await onAccountPage('Revoke', async (question) => {
      ledger.begin(undefined)
      const answer = await page(() => browser.press(question, 'Revoke'))
      if (!answer || !/revoked/i.test(textOf(answer.html)) || answer.status !== 200) return
      figures.revoked += 1
      ledger.acknowledged(undefined)
    })
  }

  async function onAccountPage(action: 'Replace' | 'Revoke', then: (next: Page) => Promise<void>): Promise<void> {
    const account = await page(() => openForm(browser, `${url}/credentials`, name))
    if (!account?.html.includes(`>${action} <`)) return
    const next = await page(() => pressOrFollow(browser, account, `${action} Jira`))
    if (next) await then(next)
  }

  /** A page, or undefined if its request was cut off or the page before was an error's. */
  async function page(load: () => Promise<Page>): Promise<Page | undefined> {
    const loaded = await load().catch(() => undefined)
    if (!loaded || loaded.status >= 500) figures.cut += 1
    return loaded && loaded.status < 500 ? loaded : undefined
  }

  return {
    name,
    ledger,
    async work(until) {
      while (performance.now() < until && figures.problems.length === 0) {
        const dice = Math.random()
        if (dice < 0.85) await call()
        else if (dice < 0.95) await replace()
        else await revoke()
      }
    },
    async seenBy(port) {
      const text = await openBenchSession(`${url}/mcp-${port}`, token)
        .then((own) =>
          own.call('hash_secret', (link) => {
            throw new Error(link)
          }),
        )
        .catch(String)
      const hash = RESULT.exec(text)?.[1]
      if (hash === undefined && !LINK.test(text)) throw new Error(`${name} was answered: ${text}`)
      return hash
    },
  }
}

function pressOrFollow(browser: HttpBrowser, page: Page, label: string): Promise<Page> {
  return label.startsWith('Revoke') ? browser.follow(page, label) : browser.press(page, label)
}
