import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { csrfOf } from '../../harness/browser/visitor.ts'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import type { CanarySet } from '../secrets.ts'
import type { Handle, World } from '../world.ts'

/** Uses every value, and answers whether each is what was typed. */
export function usesAll({ values: typed }: CanarySet): (handle: Handle) => unknown {
  return (handle) =>
    handle.use((values) => {
      const given: Readonly<Record<string, string | undefined>> = values
      return Object.entries(typed).every(([name, value]) => given[name] === value) ? 'all is well' : 'something differs'
    })
}

async function answersWell(call: Promise<{ text: string }>): Promise<void> {
  expectThat((await call).text === 'all is well', 'the tool to get what was typed')
}

/** Alice opens the link and saves, at once or while the client waits. */
function fill(world: World, url: string) {
  return world.alice.submit(world.linkIn(url), world.secrets.values)
}

async function whileAsked(world: World, action: 'accept' | 'decline' | 'cancel', tool?: string): Promise<string> {
  let filling: Promise<unknown> = Promise.resolve()
  world.clients.asking.onLink = (link) => {
    if (action === 'accept') filling = fill(world, link)
    return action
  }
  world.probe = usesAll(world.secrets)
  const { text } = await world.clients.asking.call(tool)
  await filling
  return text
}

async function urlRequired(world: World, call: Promise<unknown>): Promise<string> {
  const error = await world.thrown(() => call)
  expectThat(error instanceof UrlElicitationRequiredError, 'error -32042')
  return (error as UrlElicitationRequiredError).elicitations[0]?.url ?? ''
}

export const asking: readonly Flow[] = [
  flow('first call, form, save, result', async (world) => {
    expectThat((await whileAsked(world, 'accept')) === 'all is well', 'a result')
    await answersWell(world.clients.asking.call())
  }),
  flow('client answers after the save', async (world) => {
    world.clients.asking.onLink = async (link): Promise<'accept'> => {
      await fill(world, link)
      return 'accept'
    }
    world.probe = usesAll(world.secrets)
    await answersWell(world.clients.asking.call())
  }),
  flow('three calls wait for one form', async (world) => {
    let filling: Promise<unknown> | undefined
    world.clients.asking.onLink = (link) => {
      filling ??= fill(world, link)
      return 'accept'
    }
    world.probe = usesAll(world.secrets)
    await Promise.all([1, 2, 3].map(() => answersWell(world.clients.asking.call())))
    await filling
  }),
  flow('fail-fast', async (world) => {
    world.probe = usesAll(world.secrets)
    expectStatus(await fill(world, await urlRequired(world, world.clients.asking.call('fail_fast'))), 303)
    await answersWell(world.clients.asking.call('fail_fast'))
  }),
  flow('text fallback', async (world) => {
    await world.saved()
    world.probe = usesAll(world.secrets)
    await answersWell(world.clients.plain.call())
  }),
  flow('stateless mount', async (world) => {
    world.probe = usesAll(world.secrets)
    expectStatus(await fill(world, await urlRequired(world, world.clients.stateless.call())), 303)
    await answersWell(world.clients.stateless.call())
  }),
  flow('declined', async (world) => {
    expectThat((await whileAsked(world, 'decline')).includes('declined'), 'words about declining')
  }),
  flow('dismissed, then saved', async (world) => {
    expectStatus(await fill(world, await whileAsked(world, 'cancel')), 303)
    await answersWell(world.clients.asking.call())
  }),
  flow('client cannot show the link', async (world) => {
    world.clients.asking.onLink = () => {
      throw new Error('no browser')
    }
    expectStatus(await fill(world, (await world.clients.asking.call()).text), 303)
  }),
  flow('Cancel with everything typed', async (world) => {
    let cancelling: Promise<{ status: number }> | undefined
    world.clients.asking.onLink = (url) => {
      const link = world.linkIn(url)
      cancelling = world.alice.get(link.entry).then((form) => {
        const fields = { 'csrf-token': csrfOf(form.text, link), ...world.secrets.values }
        return world.alice.post(link.cancel, fields)
      })
      return 'accept'
    }
    expectThat((await world.clients.asking.call()).text.includes('cancelled'), 'words about cancelling')
    expectStatus((await cancelling) ?? { status: 0 }, 200)
  }),
  flow('call times out while the user types', async (world) => {
    let url = ''
    const time = new AbortController()
    world.clients.asking.onLink = (link) => {
      url = link
      setTimeout(() => time.abort(new Error('Request timed out')), 100)
      return 'accept'
    }
    await world.thrown(() => world.clients.asking.call('probe', { signal: time.signal }))
    expectStatus(await fill(world, url), 303)
    world.probe = usesAll(world.secrets)
    await answersWell(world.clients.asking.call())
  }),
  flow('client goes away', async (world) => {
    const gone = await world.connect({ urlMode: true })
    const shown = new Promise<string>((resolve) => {
      gone.onLink = (link) => {
        resolve(link)
        return 'accept'
      }
    })
    const lost = world.thrown(() => gone.call())
    const url = await shown
    await gone.client.close()
    await lost
    expectStatus(await fill(world, url), 303)
  }),
]
