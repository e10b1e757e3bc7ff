import { expect, test } from 'vitest'
import { createHandle, type HandleParts } from '../../../src/core/credentials/credential-handle.ts'
import { callOf, createToolCall, markCall } from '../../../src/core/gate/tool-call.ts'

test('a tool cannot change what the calls of other users answer', () => {
  const provider = {}
  const pass = {
    call: { user: { issuer: 'https://login.example.com', subject: 'alice' }, correlationId: 'test' },
    id: 'test',
    provider: 'jira',
    signal: () => new AbortController().signal,
    hasEnded: () => false,
  }
  const extra = markCall({}, createToolCall({}))
  const [mark] = Object.getOwnPropertySymbols(extra)
  const found: object = Reflect.get(extra, mark ?? '')
  const shared: object = Object.getPrototypeOf(found)
  for (const target of [found, shared]) {
    expect(Reflect.set(target, 'passesOf', () => [])).toBe(false)
    expect(Reflect.defineProperty(target, 'outermost', { value: () => undefined })).toBe(false)
    expect(Reflect.deleteProperty(shared, 'passesOf')).toBe(false)
  }
  const other = callOf(markCall({}, createToolCall({}).behind(provider, pass)))
  expect(other?.passesOf(provider)).toEqual([pass])
  expect(other?.outermost()).toBe(pass)
})

test("a tool cannot put a function of its own in the place of other users' use()", () => {
  const parts: Partial<HandleParts> = { provider: 'jira' }
  const handle = createHandle(parts as HandleParts)
  for (const target of [handle, Object.getPrototypeOf(handle)])
    for (const name of ['use', 'fetch', 'reject'])
      expect(
        Reflect.set(target, name, () => undefined),
        `${name} can be replaced`,
      ).toBe(false)
})

test("a tool cannot replace a method of its call, the call's guard or its progress for every user", () => {
  const extra = markCall({}, createToolCall({}))
  const call = callOf(extra)
  for (const part of [call, call?.guard, call?.progress]) {
    const shared: object = Object.getPrototypeOf(part)
    expect(Object.isFrozen(shared)).toBe(true)
    const methods = Object.getOwnPropertyNames(shared)
    expect(methods.length).toBeGreaterThan(1)
    for (const name of methods)
      expect(
        Reflect.set(shared, name, () => 'replaced'),
        name,
      ).toBe(false)
  }
  const other = createToolCall({})
  expect([other.progress.beat(), other.progress.raise(3), other.progress.beat()]).toEqual([1, 4, 5])
  expect(other.outermost()).toBeUndefined()
})
