import { expect, test } from 'vitest'
import { createToolCall } from '../../../src/core/gate/tool-call.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import { guardedExtra } from '../../../src/mcp/sdk-v1/guarded-extra.ts'
import type { ToolExtra } from '../../../src/mcp/sdk-v1/index.ts'
import { SECRET } from '../calls/probed-tool.ts'

type TaskStore = NonNullable<ToolExtra['taskStore']>

/** A store as the SDK hands one to each call, and a method that some middleware put on `extra`. */
function extraWithStore() {
  const stored: unknown[] = []
  const logged: unknown[] = []
  const reports: number[] = []
  const taskStore: Partial<TaskStore> = {
    storeTaskResult: async (taskId, status, result) => void stored.push({ taskId, status, result }),
    updateTaskStatus: async (taskId, status, message) => void stored.push({ taskId, status, message }),
  }
  class Log {
    // Lost when it is called on anything but the object itself.
    readonly #lines = logged
    info(line: unknown) {
      this.#lines.push(line)
      return this
    }
  }
  const extra = {
    signal: new AbortController().signal,
    requestId: 1,
    taskStore,
    log: new Log(),
    say: (line: unknown) => logged.push(line),
  } as unknown as ToolExtra & { log: Log; say: (line: unknown) => unknown }
  const call = createToolCall([])
  const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
  call.guard.add(variables, { pat: SECRET })
  const guarded = guardedExtra(extra, call, async () => void reports.push(1)) as typeof extra & { taskStore: TaskStore }
  return { guarded, stored, logged, reports }
}

const echoed = expect.objectContaining({ code: 'secret_echoed' })

test("a task's result, its status message and an application's own methods on extra take no secret out of the call", async () => {
  const { guarded, stored, logged, reports } = extraWithStore()
  const result = { content: [{ type: 'text' as const, text: `token ${SECRET}` }] }
  for (const attempt of [
    () => guarded.taskStore.storeTaskResult('task-1', 'completed', result),
    () => guarded.taskStore.updateTaskStatus('task-1', 'working', `using ${SECRET}`),
    () => guarded.log.info({ deep: [SECRET] }),
    () => guarded.say(Buffer.from(SECRET).toString('base64')),
  ]) {
    await expect(Promise.resolve(attempt())).rejects.toEqual(echoed)
  }
  expect([stored, logged]).toEqual([[], []])
  expect(reports).toHaveLength(4)
  expect(echoed.asymmetricMatch(new CredentialVaultError('secret_echoed', 'x'))).toBe(true)
})

test('what holds no secret goes through, and the methods work as before', async () => {
  const { guarded, stored, logged } = extraWithStore()
  await guarded.taskStore.storeTaskResult('task-1', 'completed', { content: [] })
  expect(stored).toEqual([{ taskId: 'task-1', status: 'completed', result: { content: [] } }])
  guarded.log.info('a line')
  guarded.say('another')
  expect(logged).toEqual(['a line', 'another'])
  expect(guarded.signal.aborted).toBe(false)
})
