import { describeRecipe } from '../../harness/proxy/recipes/describe-recipe.ts'

describeRecipe({
  heading: 'Try the proxy without a service',
  provider: 'everything',
  tool: 'get-env',
  answerOf: (user) => `name-of-${user}`,
  start: async () => ({
    replaced: {},
    values: { alice: { name: 'name-of-alice' }, bob: { name: 'name-of-bob' } },
    close: async () => undefined,
  }),
})
