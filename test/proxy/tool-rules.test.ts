import { expect, test } from 'vitest'
import { userCatalogue } from '../../src/proxy/catalogue/catalogue.ts'
import { withToolRules } from '../../src/proxy/catalogue/tool-rules.ts'
import type { Request } from '../../src/proxy/upstream/message.ts'

const call = (name: unknown, method = 'tools/call'): Request => ({ jsonrpc: '2.0', id: 1, method, params: { name } })
const listed = (rules: Parameters<typeof withToolRules>[1], ...names: readonly unknown[]) => {
  const answer = { jsonrpc: '2.0' as const, id: 1, result: { tools: names.map((name) => ({ name })), nextCursor: 'x' } }
  return withToolRules(userCatalogue('gitlab'), rules).pass('tools/list', answer).result
}
const refused = (rules: Parameters<typeof withToolRules>[1], name: unknown, method?: string) =>
  withToolRules(userCatalogue('gitlab'), rules).refuses(call(name, method)) !== undefined

test('only what is allowed is listed, and what is denied is not, by name or beginning', () => {
  const rules = { allow: ['get_*', 'create_issue'], deny: ['get_secret*'] }
  expect(listed(rules, 'get_issue', 'get_secrets', 'create_issue', 'create_issues', 'delete', 7)).toEqual({
    tools: [{ name: 'get_issue' }, { name: 'create_issue' }],
    nextCursor: 'x',
  })
})

test('what is not listed is not called either', () => {
  expect(refused({ allow: ['get_*'] }, 'get_issue')).toBe(false)
  expect(refused({ allow: ['get_*'] }, 'delete_issue')).toBe(true)
  expect(refused({ deny: ['delete_*'] }, 'get_issue')).toBe(false)
  expect(refused({ deny: ['delete_*'] }, 'delete_issue')).toBe(true)
  expect(refused({ allow: ['delete_*'], deny: ['delete_issue'] }, 'delete_issue')).toBe(true)
  expect(refused(undefined, 'anything')).toBe(false)
})

test('lists of other things pass unchanged', () => {
  const answer = { jsonrpc: '2.0' as const, id: 1, result: { prompts: [{ name: 'delete_all' }] } }
  expect(withToolRules(userCatalogue('gitlab'), { deny: ['delete_*'] }).pass('prompts/list', answer)).toEqual(answer)
  expect(refused({ deny: ['delete_*'] }, 'delete_all', 'prompts/get')).toBe(false)
})
