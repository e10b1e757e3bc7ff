import type { ServerContext } from '@modelcontextprotocol/server'
import { inputRequired } from '@modelcontextprotocol/server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { type HarnessV2, startHarnessV2 } from '../../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const done = { content: [{ type: 'text' as const, text: 'done' }] }
const FORM = { type: 'object' as const, properties: {} }

/** What a tool may send or return, with the secret in it. */
const SENDS: Record<string, (ctx: ServerContext, secret: string) => unknown> = {
  notify: (ctx, secret) =>
    ctx.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data: secret } }),
  log: (ctx, secret) => ctx.mcpReq.log('info', { note: secret }),
  logger: (ctx, secret) => ctx.mcpReq.log('info', 'text', secret),
  send: (ctx, secret) =>
    ctx.mcpReq.send({ method: 'elicitation/create', params: { message: secret, requestedSchema: FORM } }),
  elicit: (ctx, secret) => ctx.mcpReq.elicitInput({ message: secret, requestedSchema: FORM }),
  sampling: (ctx, secret) =>
    ctx.mcpReq.requestSampling({
      messages: [{ role: 'user', content: { type: 'text', text: secret } }],
      maxTokens: 1,
    }),
}

const RETURNS: Record<string, (secret: string) => object> = {
  question: (secret) =>
    inputRequired({ inputRequests: { ask: inputRequired.elicit({ message: secret, requestedSchema: FORM }) } }),
  state: (secret) => inputRequired({ requestState: `state-of-${secret}` }),
  encoded: (secret) => inputRequired({ requestState: Buffer.from(JSON.stringify({ secret })).toString('base64url') }),
}

let harness: HarnessV2
beforeAll(async () => {
  harness = await startHarnessV2({
    serverOptions: { capabilities: { logging: {} } },
    tools(server, gate, { jira }) {
      for (const [name, send] of Object.entries(SENDS))
        server.registerTool(
          `send_${name}`,
          {},
          gate(jira, (ctx) =>
            jira.getCredentials(ctx).use(async ({ pat }) => {
              await Promise.resolve(send(ctx, pat)).catch(() => undefined)
              return done
            }),
          ),
        )
      for (const [name, answer] of Object.entries(RETURNS))
        server.registerTool(
          `return_${name}`,
          {},
          gate(jira, (ctx) => jira.getCredentials(ctx).use(async ({ pat }) => answer(pat) as typeof done)),
        )
    },
  })
  await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: SECRET })
})
afterAll(() => harness.close())

/** Calls a tool through a client that keeps all bytes it receives. */
async function received(era: 'modern' | 'legacy', tool: string): Promise<{ wire: string; text: string }> {
  const texts: Promise<string>[] = []
  const alice = await harness.connectV2('alice', {
    era,
    onLink: () => 'accept',
    options: { capabilities: { elicitation: { form: {}, url: {} }, sampling: {} } },
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      if (init?.method === 'POST') texts.push(response.clone().text())
      return response
    },
  })
  const { text } = await alice.text(tool)
  return { text, wire: (await Promise.all(texts)).join('\n') }
}

const ERAS = ['modern', 'legacy'] as const

test.each(ERAS.flatMap((era) => Object.keys(SENDS).map((name) => [era, name] as const)))(
  '%s: ctx.mcpReq: a message by %s that contains the secret is not sent',
  async (era, name) => {
    const echoed = () => harness.audit.events.filter(({ type }) => type === 'credential.echoed').length
    const before = echoed()
    const { wire } = await received(era, `send_${name}`)
    expect(wire).toContain('done')
    expect(wire).not.toContain(SECRET)
    expect(echoed()).toBe(before + 1)
  },
)

test.each(ERAS.flatMap((era) => Object.keys(RETURNS).map((name) => [era, name] as const)))(
  '%s: a result that asks for input, with the secret in its %s, is withheld',
  async (era, name) => {
    const { wire, text } = await received(era, `return_${name}`)
    expect(text).toContain('withheld')
    expect(wire).not.toContain(SECRET)
    expect(wire).not.toContain('inputRequests')
  },
)
