import { spawnSync } from 'node:child_process'

/** Makes sure that redis-server is on PATH: through apt where this user may, else by saying what to run. */
export async function bringRedis() {
  if (found()) return
  const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  const apt = (...parameters) => {
    const [command, ...rest] = [...asRoot, 'apt-get', ...parameters]
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    return spawnSync(command, rest, { stdio: 'inherit', env }).status === 0
  }
  console.log('Installing Redis, from which the tests import.')
  if (apt('update', '-q') && apt('install', '-y', '-q', '--no-install-recommends', 'redis-server') && found()) return
  console.error(
    'The tests need redis-server. Install it, then run them again:\n\n  sudo apt-get install --no-install-recommends redis-server\n',
  )
  process.exit(1)
}

function found() {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0
}
