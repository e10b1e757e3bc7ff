import { setTimeout as delay } from 'node:timers/promises'
import { text } from './fixtures.ts'
import { CHOICES_FORM, DEFAULTS_FORM, USER_FORM } from './forms.ts'

/** What a tool may send during its call in MCP 2025-11-25, with either SDK. */
export interface DuringCall {
  log(words: string): Promise<void>
  /** Undefined if the client gave no progress token. */
  readonly progress: ((progress: number) => Promise<void>) | undefined
  /** Returns what the client's model answered. */
  sample(prompt: string): Promise<string>
  ask(message: string, form: Form): Promise<{ action: string; content?: unknown }>
}

export type Form = typeof USER_FORM | typeof DEFAULTS_FORM | typeof CHOICES_FORM

/** The suite wants each message to arrive by itself. */
const PAUSE = 50

/** Tools that send or ask during their call. `argument` is the name of a text that the tool takes. */
export const ASKING_TOOLS: Readonly<
  Record<string, { readonly argument?: string; run(call: DuringCall, given: string): Promise<string> }>
> = {
  test_tool_with_logging: {
    async run(call) {
      for (const words of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await call.log(words)
        await delay(PAUSE)
      }
      return 'Logged.'
    },
  },
  test_tool_with_progress: {
    async run({ progress }) {
      for (const reached of [0, 50, 100]) {
        await progress?.(reached)
        await delay(PAUSE)
      }
      return 'Done.'
    },
  },
  test_sampling: {
    argument: 'prompt',
    run: async (call, prompt) => `LLM response: ${await call.sample(prompt)}`,
  },
  test_elicitation: {
    argument: 'message',
    run: async (call, message) => `User response: ${JSON.stringify(await call.ask(message, USER_FORM))}`,
  },
  test_elicitation_sep1034_defaults: { run: (call) => askFor(call, DEFAULTS_FORM) },
  test_elicitation_sep1330_enums: { run: (call) => askFor(call, CHOICES_FORM) },
  test_error_handling: {
    run: () => Promise.reject(new Error('This tool intentionally returns an error for testing')),
  },
}

async function askFor(call: DuringCall, form: Form): Promise<string> {
  const { action, content } = await call.ask('Please fill in', form)
  return `Elicitation completed: action=${action}, content=${JSON.stringify(content)}`
}

export const answered = async (words: Promise<string>) => ({ content: [text(await words)] })
