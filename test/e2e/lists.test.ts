import { afterAll, expect, test } from 'vitest'
import { kindsV1, kindsV2, READS } from '../harness/gated-kinds.ts'
import { fillIn, type Harness, startHarness } from '../harness/mcp-harness.ts'
import { startHarnessV2 } from '../harness/sdk-v2.ts'

const LISTS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'] as const

const open: Harness[] = []
afterAll(async () => {
  for (const harness of open) await harness.close()
})

/** Keeps the bytes of the answers to the lists, by method. */
function recorder(): { fetch: typeof fetch; answers: Map<string, Promise<string>[]> } {
  const answers = new Map<string, Promise<string>[]>()
  return {
    answers,
    async fetch(input, init) {
      const response = await fetch(input, init)
      const { method, id } = typeof init?.body === 'string' ? JSON.parse(init.body) : {}
      if (LISTS.includes(method)) {
        // The client numbers its requests; everything else has to be the same.
        const bytes = response
          .clone()
          .text()
          .then((text) => text.replace(`"id":${id}`, '"id":0').replace(/^id: .*$/gm, 'id:'))
        answers.set(method, [...(answers.get(method) ?? []), bytes])
      }
      return response
    },
  }
}

const SDKS = {
  async 'SDK 1.x'(ownFetch: typeof fetch, onLink: (link: string) => 'accept') {
    const harness = await startHarness({ tools: kindsV1() })
    open.push(harness)
    return { harness, client: (await harness.connect('alice', { fetch: ownFetch, onLink })).client }
  },
  async 'SDK 2.x, MCP 2026-07-28'(ownFetch: typeof fetch, onLink: (link: string) => 'accept') {
    const harness = await startHarnessV2({ tools: kindsV2() })
    open.push(harness)
    return { harness, client: (await harness.connectV2('alice', { fetch: ownFetch, onLink })).client }
  },
  async 'SDK 2.x, MCP 2025-11-25'(ownFetch: typeof fetch, onLink: (link: string) => 'accept') {
    const harness = await startHarnessV2({ tools: kindsV2() })
    open.push(harness)
    return { harness, client: (await harness.connectV2('alice', { era: 'legacy', fetch: ownFetch, onLink })).client }
  },
}

test.each(Object.entries(SDKS))('%s: all lists are byte-identical before and after saving', async (_, start) => {
  const { fetch: ownFetch, answers } = recorder()
  const filling: Promise<unknown>[] = []
  const { harness, client } = await start(ownFetch, (link) => {
    filling.push(fillIn(link, 'alice', { pat: 'tok-3f9d2c71e8b04a56' }))
    return 'accept'
  })
  const list = async () => {
    await client.listTools()
    await client.listPrompts()
    await client.listResources()
    await client.listResourceTemplates()
  }
  await list()
  expect(await READS['prompt']?.(client)).toContain('a secret of')
  await Promise.all(filling)
  await list()
  await harness.forget('alice')
  await list()
  for (const method of LISTS) {
    const [before, ...after] = await Promise.all(answers.get(method) ?? [])
    expect(before).toContain('note')
    expect(after, method).toEqual([before, before])
  }
})
