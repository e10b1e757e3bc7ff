import { afterAll, beforeAll, expect, test } from 'vitest'
import { fillIn, linkIn } from '../../harness/mcp-harness.ts'
import { type RecipeHarness, startRecipe } from '../../harness/proxy/recipes/recipe-harness.ts'

/** A kubeconfig may name a program that makes the token. Whoever could write such a line would run programs on the proxy's machine. */
let recipe: RecipeHarness

beforeAll(async () => {
  recipe = await startRecipe({ heading: 'Kubernetes', replaced: {} })
})
afterAll(() => recipe.close())

const PROGRAM = 'exec: { apiVersion: client.authentication.k8s.io/v1, command: /usr/bin/touch, args: [/tmp/owned] }'

test.each([
  ['a line of its own', `token-0123456789\n      ${PROGRAM}`],
  ['a line of its own, with a carriage return', `token-0123456789\r\n      ${PROGRAM}`],
  ['a separator that YAML takes for a line end', `token-0123456789\u2028      ${PROGRAM}`],
  ['the same line', `token-0123456789, ${PROGRAM}`],
  ['a quote', `"token-0123456789", ${PROGRAM}`],
  ['an anchor and a tag', '!!binary &a dG9rZW4='],
  ['braces of a template', '{token}{token}{token}'],
])('a token with %s is refused on the form, and no server is started', async (_, token) => {
  const alice = await recipe.connectSilent('alice')
  const link = linkIn(await alice.answer('namespaces_list')).split('"')[0] ?? ''
  const page = await fillIn(link, 'alice', { token })
  expect(page.status).toBe(422)
  expect(await alice.answer('namespaces_list')).toContain('/credentials/kubernetes/entry')
  expect(recipe.harness.audit.events.filter(({ type }) => type === 'child.started')).toEqual([])
})
