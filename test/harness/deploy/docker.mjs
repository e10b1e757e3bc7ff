// Stands for the command `docker` in tests of deploy/compose: asks the test's process at DOCKER_AT what `docker compose …` would run.
import { spawnSync } from 'node:child_process'

const answer = await fetch(process.env.DOCKER_AT, { method: 'POST', body: JSON.stringify(process.argv.slice(2)) })
if (!answer.ok) {
  console.error(await answer.text())
  process.exit(1)
}
const run = await answer.json()
if (run.command === undefined) process.exit(0)
const given = Object.fromEntries(run.pass.map((name) => [name, process.env[name]]))
const env = { ...run.environment, ...given }
const { status, error } = spawnSync(run.command, run.words, { stdio: 'inherit', env })
if (error) console.error(error.message)
process.exit(status ?? 1)
