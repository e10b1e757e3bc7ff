import { describeRecipe, type RecipeWorld } from '../../harness/proxy/recipes/describe-recipe.ts'
import { GITLAB, startRecipeService } from '../../harness/proxy/recipes/stand-ins.ts'

const TOKENS = { alice: 'glpat-alice-5f2b9c7d1e0123', bob: 'glpat-bob-8a3c6e0f4d4567' } as const

async function start(): Promise<RecipeWorld> {
  const service = await startRecipeService(GITLAB)
  for (const [who, token] of Object.entries(TOKENS)) service.know(token, who)
  return {
    replaced: { 'https://gitlab.example.com/api': `${service.origin}/api` },
    values: { alice: { pat: TOKENS.alice }, bob: { pat: TOKENS.bob } },
    done: () => service.done.map(({ who }) => who),
    close: () => service.close(),
  }
}

const recipe = {
  provider: 'gitlab',
  tool: 'whoami',
  answerOf: (user: string) => `gitlab.example.com/${user}`,
  start,
}

describeRecipe({ ...recipe, heading: 'GitLab over HTTP' })
describeRecipe({ ...recipe, heading: 'GitLab over stdio' })
