import { describeRecipe, type RecipeWorld } from '../../harness/proxy/recipes/describe-recipe.ts'
import { JIRA, startRecipeService } from '../../harness/proxy/recipes/stand-ins.ts'

const TOKENS = { alice: 'jira-pat-alice-5f2b9c7d1e0123', bob: 'jira-pat-bob-8a3c6e0f4d4567' } as const

async function start(): Promise<RecipeWorld> {
  const service = await startRecipeService(JIRA)
  for (const [who, token] of Object.entries(TOKENS)) service.know(token, who)
  return {
    replaced: {
      'JIRA_URL=https://jira.example.com': `JIRA_URL=${service.origin}`,
      'JIRA_URL: https://jira.example.com': `JIRA_URL: ${service.origin}`,
    },
    values: { alice: { pat: TOKENS.alice }, bob: { pat: TOKENS.bob } },
    done: () => service.done.map(({ who }) => who),
    close: () => service.close(),
  }
}

const recipe = {
  provider: 'jira',
  tool: 'jira_get_all_projects',
  answerOf: (user: string) => `Project of ${user}`,
  start,
}

describeRecipe({ ...recipe, heading: 'Jira over HTTP' })
describeRecipe({ ...recipe, heading: 'Jira over stdio' })
