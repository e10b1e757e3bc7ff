import { expect, test } from 'vitest'
import { guardOutgoing } from '../../../src/core/gate/outgoing-guard.ts'
import { createToolCall } from '../../../src/core/gate/tool-call.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const variables = defineVariables({ pat: { label: 'PAT', type: 'password' } })

function guarded() {
  const sent: unknown[] = []
  const store = { save: async (value: unknown) => void sent.push(value) }
  const toolCall = createToolCall([])
  toolCall.guard.add(variables, { pat: SECRET })
  const extra = guardOutgoing(
    { taskStore: store, app: { mail: store } },
    { toolCall, report: async () => undefined, sent: () => 0, adjust: (_, parameters) => parameters },
  )
  return { extra, sent }
}

test('a method of an object on extra stays guarded when it is copied by its descriptors', async () => {
  const { extra, sent } = guarded()
  const copy = Object.defineProperties({} as typeof extra.taskStore, Object.getOwnPropertyDescriptors(extra.taskStore))
  await copy.save(SECRET).catch(() => undefined)
  expect(sent).toEqual([])
})

test('a method of an object within an object on extra is guarded', async () => {
  const { extra, sent } = guarded()
  await extra.app.mail.save(SECRET).catch(() => undefined)
  expect(sent).toEqual([])
})
