import { MUTATIONS, type Mutation, patchOf } from './mutations.ts'
import { copyTree, type Tree } from './tree.ts'

// npm run test:mutations -- [names]: switches one weakness on after the other, and shows which tests notice.
const AT_ONCE = 2
const SHOWN = 3

interface Verdict {
  readonly caught: boolean
  readonly text: string
}

async function verdictOn(tree: Tree, mutation: Mutation): Promise<Verdict> {
  const patch = patchOf(mutation)
  if (!(await tree.apply(patch))) return { caught: false, text: 'THE PATCH NO LONGER APPLIES' }
  try {
    const { failed, broken } = await tree.run(mutation.tests)
    // A file that does not load would fail with any change, so it has noticed nothing.
    if (broken.length > 0) return { caught: false, text: `DOES NOT LOAD: ${broken.join(', ')}` }
    if (failed.length === 0) return { caught: false, text: `SURVIVED ${mutation.tests.join(', ')}` }
    const more = failed.length > SHOWN ? [`and ${failed.length - SHOWN} more`] : []
    return { caught: true, text: [...failed.slice(0, SHOWN), ...more].join('\n') }
  } finally {
    await tree.revert(patch)
  }
}

async function checkAll(mutations: readonly Mutation[]): Promise<boolean> {
  const trees = Array.from({ length: Math.min(AT_ONCE, mutations.length) }, copyTree)
  try {
    const [first] = trees
    const sound = await first?.run([...new Set(mutations.flatMap(({ tests }) => tests))])
    if (!sound || sound.passed === 0 || sound.failed.length + sound.broken.length > 0) {
      console.log(
        `The tests fail without any mutation: ${[...(sound?.failed ?? []), ...(sound?.broken ?? [])].join(', ')}`,
      )
      return false
    }
    console.log(`${sound.passed} tests pass without any mutation`)
    const waiting = [...mutations]
    let caught = 0
    await Promise.all(
      trees.map(async (tree) => {
        for (let mutation = waiting.shift(); mutation; mutation = waiting.shift()) {
          const verdict = await verdictOn(tree, mutation)
          if (verdict.caught) caught += 1
          const lines = verdict.text.split('\n').map((line, i) => `${(i === 0 ? mutation.name : '').padEnd(28)}${line}`)
          console.log(lines.join('\n'))
        }
      }),
    )
    console.log(`${caught} of ${mutations.length} mutations caught`)
    return caught === mutations.length
  } finally {
    for (const tree of trees) tree.remove()
  }
}

const names = process.argv.slice(2)
const unknown = names.filter((name) => !MUTATIONS.some((mutation) => mutation.name === name))
if (unknown.length > 0) throw new Error(`there is no mutation ${unknown.join(', ')}`)
const chosen = MUTATIONS.filter(({ name }) => names.length === 0 || names.includes(name))
process.exitCode = (await checkAll(chosen)) ? 0 : 1
