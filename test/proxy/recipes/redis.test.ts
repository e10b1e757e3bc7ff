import { createClient } from 'redis'
import { describeRecipe, type RecipeWorld } from '../../harness/proxy/recipes/describe-recipe.ts'
import { startRedisNode } from '../../harness/redis/redis-server.ts'

const PASSWORDS = { alice: 'redis-pw-alice-5f2b9c7d1e', bob: 'redis-pw-bob-8a3c6e0f4d' } as const

/** A real Redis with a user for each person, who has one key and may read no other. */
async function start(): Promise<RecipeWorld> {
  const users = Object.entries(PASSWORDS).map(([who, password]) => `user ${who} on >${password} ~${who}:* +@all`)
  const node = await startRedisNode({ config: users })
  const admin = await createClient({ url: `redis://127.0.0.1:${node.port}` }).connect()
  for (const who of Object.keys(PASSWORDS)) await admin.set(`${who}:note`, `a note of ${who}`)
  const done: string[] = []
  const monitor = await admin.duplicate().connect()
  await monitor.monitor((line) => {
    const [, who] = /"GET" "(\w+):note"/i.exec(String(line)) ?? []
    if (who !== undefined) done.push(who)
  })
  return {
    replaced: { 'redis.example.com': '127.0.0.1', "'6379'": `'${node.port}'` },
    values: {
      alice: { user: 'alice', password: PASSWORDS.alice },
      bob: { user: 'bob', password: PASSWORDS.bob },
    },
    done: () => done,
    async close() {
      monitor.destroy()
      admin.destroy()
      await node.remove()
    },
  }
}

describeRecipe({
  heading: 'Redis',
  provider: 'redis',
  tool: 'get',
  parameters: (user) => ({ key: `${user}:note` }),
  answerOf: (user) => `a note of ${user}`,
  start,
})
