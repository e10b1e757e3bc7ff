import { expect, test } from 'vitest'
import { callOf, createToolCall, markCall } from '../../../src/core/gate/tool-call.ts'

// Everything that hangs on the mark of `extra` can be reached by a tool and the packages it uses, and the prototypes are those of all calls.
// The guard's and the call's are frozen. `beat()` runs in a timer of a waiting call: an error there ends the process.
test('what one call changes of its progress reaches no other call', () => {
  const extra = markCall({}, createToolCall({}))
  const call = callOf(extra)
  const shared: object = Object.getPrototypeOf(call?.progress)
  try {
    Reflect.set(shared, 'beat', () => {
      throw new Error('the timer of another user')
    })
    Reflect.set(shared, 'raise', () => 0)
    const other = createToolCall({})
    expect(() => other.progress.beat()).not.toThrow()
    expect(other.progress.raise(5)).toBeGreaterThanOrEqual(5)
  } finally {
    Reflect.deleteProperty(shared, 'beat')
  }
})
