import { afterAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { httpBrowser } from '../../../examples/tickets/http-browser.ts'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import type { ClientAnswer, ClientPort, UrlQuestion } from '../../../src/core/gate/client-port.ts'
import { createCompletionNotices } from '../../../src/core/gate/completion-notices.ts'
import { type GateEntry, type GateOutcome, passGate } from '../../../src/core/gate/gate.ts'
import type { GatedProvider } from '../../../src/core/gate/gated-provider.ts'
import { createToolCall, markCall } from '../../../src/core/gate/tool-call.ts'
import { openLocalVault } from '../../../src/vault/local/open-local-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

// The whole gate with a client that this test is, a real vault and a real form, and no MCP SDK at all.
const TOKEN = 'pat-of-alice-7f3a9c'

const often = { pagesPerMinute: 1000, loginsPerMinute: 1000, submitsPerMinute: 1000 }
const given = { backend: memoryBackend(), audit: memoryAudit(), warn: () => {} }
const vault = await openLocalVault({ ...given, name: 'alice', rateLimits: often })
afterAll(() => vault.close())
const owner = { issuer: 'local-user', subject: 'alice' }
const authInfo = { extra: { iss: owner.issuer, sub: owner.subject } }

let serial = 0
let jira: CredentialsProvider<{ pat: { label: string; type: 'password' } }>
beforeEach(async () => {
  serial += 1
  jira = new CredentialsProvider({
    vault,
    name: `jira-${serial}`,
    label: 'Jira',
    variables: { pat: { label: 'Token', type: 'password' } },
    tokenTimeoutSeconds: 300,
  })
  await jira.ready()
})

interface Client extends ClientPort {
  readonly questions: UrlQuestion[]
  readonly done: [elicitationId: string, stream: string][]
  readonly beats: [progress: number, message: string][]
}

type Behaviour = Partial<Omit<ClientPort, 'askByUrl' | 'notifyDone'>> & {
  /** What the user answers; never, where it is not given. */
  readonly answer?: (question: UrlQuestion) => ClientAnswer | Promise<ClientAnswer>
  readonly hears?: boolean
}

function clientWho({ answer, hears = true, ...given }: Behaviour = {}): Client {
  const [questions, done, beats]: [UrlQuestion[], Client['done'], Client['beats']] = [[], [], []]
  return {
    name: 'test-client',
    ability: 'url-elicitation',
    signal: new AbortController().signal,
    progress: hears ? async (...beat) => void beats.push(beat) : undefined,
    ...given,
    questions,
    done,
    beats,
    async askByUrl(question, { signal }) {
      questions.push(question)
      if (answer) return answer(question)
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve('accept')))
    },
    notifyDone: async (...said) => void done.push(said),
  }
}

const notices = createCompletionNotices()
afterAll(() => notices.close())

/** A call of a tool that gives its token away as `show` says. */
function call(
  client: ClientPort,
  changes: Partial<GateEntry<unknown>> & { readonly show?: (pat: string) => unknown } = {},
): Promise<GateOutcome<unknown>> {
  const { show = (pat: string) => ({ length: pat.length }), ...entry } = changes
  const toolCall = createToolCall([])
  const handler: GateEntry<unknown>['handler'] = (_, inside) => {
    const extra = markCall({ signal: client.signal, requestId: 1 }, inside)
    return jira.getCredentials(extra).use(async ({ pat }) => show(pat))
  }
  return passGate({
    provider: jira,
    failFast: false,
    retry: true,
    tool: 'create',
    client,
    notices,
    authInfo,
    toolCall,
    handler,
    ...entry,
  })
}

async function save(url: string): Promise<void> {
  const browser = httpBrowser()
  const entry = await browser.open(url)
  const form = entry.html.includes('Continue') ? await browser.press(entry, 'Continue') : entry
  const saved = await browser.press(form, 'Save', { pat: TOKEN })
  expect(saved.status, saved.html).toBe(200)
}

const saving = async ({ url }: UrlQuestion): Promise<ClientAnswer> => {
  await save(url)
  return 'accept'
}

/** Resolves to the link of a call that is told in words. */
async function linkOf(outcome: GateOutcome<unknown>): Promise<string> {
  if (outcome.kind !== 'text') throw new Error(`it answered ${outcome.kind}`)
  return /http:\S+/.exec(outcome.text)?.[0] ?? ''
}

const connected = async () => save(await linkOf(await call(clientWho({ ability: 'no-url-elicitation' }))))

test('it asks on the call, waits for the form, says that it is done, and runs the handler', async () => {
  const client = clientWho({ answer: saving })
  expect(await call(client)).toEqual({ kind: 'result', result: { length: TOKEN.length }, notice: expect.any(Function) })
  expect(client.questions).toEqual([
    {
      message: 'This request acts in Jira as you. Open the page to enter your own Jira credential.',
      url: expect.stringContaining(`/credentials/${jira.name}/entry?t=`),
      elicitationId: expect.stringMatching(/^[\da-f-]{36}$/),
    },
  ])
  expect(client.done).toEqual([[client.questions[0]?.elicitationId, 'call']])
})

test('with the credential there, nobody is asked', async () => {
  await connected()
  const client = clientWho()
  expect(await call(client)).toMatchObject({ kind: 'result' })
  expect(client.questions).toEqual([])
})

test.each([
  ['decline', 'You declined to enter a Jira credential'],
  ['cancel', 'The request for your Jira credential was closed'],
  ['failed', 'Open this link in a browser'],
] as const)('%s is answered in words, and the handler does not run', async (answer, words) => {
  const handler = vi.fn()
  expect(await call(clientWho({ answer: () => answer }), { handler })).toEqual({
    kind: 'text',
    text: expect.stringContaining(words),
  })
  expect(handler).not.toHaveBeenCalled()
})

test('a client that can show no page is told the link in words, and the link works', async () => {
  const client = clientWho({ ability: 'no-url-elicitation' })
  await save(await linkOf(await call(client)))
  expect(client.questions).toEqual([])
  expect(await call(client)).toMatchObject({ kind: 'result' })
})

test('a client that nobody has seen gets the question as an error, and no notice', async () => {
  const client = clientWho({ ability: 'unknown' })
  const outcome = await call(client)
  expect(outcome).toMatchObject({ kind: 'url-required', question: { url: expect.stringContaining('/entry?t=') } })
  if (outcome.kind === 'url-required') await save(outcome.question.url)
  expect(await call(client)).toMatchObject({ kind: 'result' })
  expect(client.done).toEqual([])
})

test('a tool that fails fast gets the question as an error, and a notice on the session when the form is saved', async () => {
  const client = clientWho()
  const outcome = await call(client, { failFast: true })
  if (outcome.kind !== 'url-required') throw new Error(outcome.kind)
  await save(outcome.question.url)
  await expect.poll(() => client.done).toEqual([[outcome.question.elicitationId, 'session']])
})

test('a client that is gone ends its own wait and not the request', async () => {
  const gone = new AbortController()
  const client = clientWho({ signal: gone.signal })
  const calling = call(client)
  await expect.poll(() => client.questions.length).toBe(1)
  gone.abort(new Error('gone'))
  await expect(calling).rejects.toThrow('gone')
  const again = clientWho({ answer: saving })
  expect(await call(again)).toMatchObject({ kind: 'result' })
  expect(again.questions[0]?.url).toBe(client.questions[0]?.url)
})

test('while it waits the client hears of it, more with each beat, and the handler goes on from there', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const client = clientWho()
  const toolCall = createToolCall([])
  const calling = call(client, { toolCall, handler: async () => toolCall.progress.raise(1) })
  await expect.poll(() => client.questions.length).toBe(1)
  vi.advanceTimersByTime(30_000)
  expect(client.beats.map(([progress]) => progress)).toEqual([1, 2, 3])
  vi.useRealTimers()
  await save(client.questions[0]?.url ?? '')
  expect(await calling).toEqual({ kind: 'result', result: 4, notice: expect.any(Function) })
})

test('an answer and an error that hold the secret are withheld', async () => {
  await connected()
  const withheld = { kind: 'text', text: expect.stringContaining('contained your Jira secret and was withheld') }
  expect(await call(clientWho(), { show: (pat) => ({ text: `it is ${pat}` }) })).toEqual(withheld)
  const throwing = (pat: string) => {
    throw new Error(`401 for ${pat}`)
  }
  expect(await call(clientWho(), { show: throwing })).toEqual(withheld)
})

test("the handler's own error passes as it is", async () => {
  await connected()
  const own = () => {
    throw new RangeError('no such issue')
  }
  await expect(call(clientWho(), { show: own })).rejects.toThrow(new RangeError('no such issue'))
})

test('a call that names nobody is told so, and nothing else is asked', async () => {
  const asked = (): never => {
    throw new Error('asked')
  }
  const provider: GatedProvider = {
    name: 'jira',
    label: 'Jira',
    tokenTimeoutSeconds: 300,
    ready: async () => undefined,
    userOf: () => undefined,
    assertionOf: asked,
    credentialState: asked,
    requestCredential: asked,
    run: asked,
    reportEcho: asked,
  }
  expect(await call(clientWho(), { provider })).toEqual({
    kind: 'text',
    text: expect.stringContaining('this request carries no verified user'),
  })
})

const throwing = (): never => {
  throw new Error('the port is broken')
}

test.each([
  ['saved', 'saved'],
  ['expired', 'expired'],
  ['cancelled', 'cancelled'],
  ['nothing', undefined],
  ['null', null],
  ['a word of its own', 'sure'],
])('a port that answers %s has not asked: the handler does not run, and the link is in the text', async (_, said) => {
  let ran = false
  const client = { ...clientWho(), askByUrl: async () => said as ClientAnswer }
  const handler = async () => {
    ran = true
  }
  const outcome = await call(client, { handler })
  expect(outcome).toEqual({ kind: 'text', text: expect.stringContaining('/credentials/jira-') })
  expect(ran).toBe(false)
})

test('a port that throws at once takes no place among the waiting calls, however often', async () => {
  for (let calls = 0; calls < 150; calls += 1) {
    const outcome = await call({ ...clientWho(), askByUrl: throwing })
    expect(outcome).toEqual({ kind: 'text', text: expect.not.stringContaining('broken') })
  }
  expect(await call(clientWho({ answer: saving }))).toMatchObject({ kind: 'result' })
})

test('a notice that cannot be sent, or never ends, keeps no call from its credential', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  for (const notifyDone of [throwing, () => new Promise<never>(() => {})]) {
    const client = { ...clientWho({ answer: saving, progress: throwing }), notifyDone }
    const calling = call(client)
    vi.advanceTimersByTime(30_000)
    expect(await calling).toEqual({ kind: 'result', result: { length: TOKEN.length }, notice: expect.any(Function) })
    expect(await jira.invalidateCredentials(owner)).toBe(true)
  }
})
