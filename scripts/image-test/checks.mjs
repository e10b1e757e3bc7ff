import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const PORT = 18_905
const TOKEN = randomBytes(32).toString('hex')
const SERVER = {
  MCP_SERVER_BASE_URL: `http://localhost:${PORT}`,
  MCP_LOCAL_ACCESS_TOKEN: TOKEN,
  // A user that is a number alone has no name.
  MCP_LOCAL_USER: 'tester',
  MCP_VAULT_KEY_FILE: '/run/secrets/vault.key',
}
/** Of the image's own command, all but the address: a local user's server listens on loopback alone. */
const OWN_HOST = ['--host=127.0.0.1', `--port=${PORT}`]

/** Name of each check, and what does it: it throws if the image is not as promised, and may return a detail. */
export const IMAGE_CHECKS = {
  'it runs as a numbered user other than root'({ config }) {
    expect(/^[1-9]\d*:[1-9]\d*$/.test(config.User), `the user is "${config.User}"`)
    return config.User
  },

  'it has node, and neither npm nor a compiler or a test tool'({ root }) {
    const names = ['npm', 'npx', 'corepack', 'yarn', 'pnpm', 'tsc', 'vitest', 'biome', 'gcc', 'python3', 'curl', 'wget']
    const command = new RegExp(`/(?:s?bin|node_modules)/(?:${names.join('|')})$`)
    const found = filesIn(root).filter((path) => command.test(path))
    expect(found.length === 0, `it has ${found.join(', ')}`)
    expect(existsSync(`${root}/usr/local/bin/node`), 'it has no node')
    for (const name of ['typescript', 'vitest', '@biomejs/biome'])
      expect(!existsSync(`${root}/app/node_modules/${name}`), `it has ${name}`)
  },

  'nothing of the build is left in it: no settings of npm, no sources, no keys'({ root }) {
    const found = filesIn(root).filter(
      (path) => /\/(\.npmrc|\.git|\.env|[^/]+\.key|tsconfig\.json)$/.test(path) && !path.includes('/node_modules/'),
    )
    expect(found.length === 0, `it has ${found.join(', ')}`)
    for (const name of ['src', 'test', 'docs'])
      expect(!existsSync(`${root}/app/node_modules/mcp-credential-vault/${name}`), `it has ${name}`)
  },

  'its user can change nothing in it but /data'({ root }) {
    const writable = ['app', 'usr/local', 'run/secrets'].flatMap((folder) =>
      filesIn(join(root, folder), join(root, folder)).filter((path) => {
        const { uid, gid, mode } = statSync(path, { throwIfNoEntry: false }) ?? {}
        return uid !== undefined && (uid !== 0 || gid !== 0 || (mode & 0o022) !== 0)
      }),
    )
    expect(writable.length === 0, `it can change ${writable.slice(0, 5).join(', ')}`)
  },

  async 'every optional package can be imported'({ root, run }) {
    const manifest = JSON.parse(readFileSync(`${root}/app/node_modules/mcp-credential-vault/package.json`, 'utf8'))
    const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
    const names = Object.keys(peerDependencies)
    for (const name of names) expect(manifest.dependencies[name], `${name} is not kept`)
    const entries = names.map((name) => (name === '@modelcontextprotocol/sdk' ? `${name}/server/mcp.js` : name))
    await run(['node', '--input-type=module', '-e', entries.map((name) => `await import('${name}')`).join('\n')])
    return names.join(', ')
  },

  async 'keygen makes a key, and the read-only root refuses to keep it'({ run, secrets }) {
    const [key] = /^mcv1_\S+$/m.exec(await run(['mcp-credential-vault', 'keygen'])) ?? []
    writeFileSync(join(secrets, 'vault.key'), `${key}\n`)
    // As a Secret with defaultMode 0440: another user's file, which this user can read.
    chmodSync(join(secrets, 'vault.key'), 0o444)
    const refused = await run(['mcp-credential-vault', 'keygen', '--out', '/app/new.key']).then(
      () => undefined,
      ({ message }) => message,
    )
    expect(/read-only|EROFS/i.test(refused ?? ''), `it said: ${refused}`)
  },

  async 'its command serves tools and form, and SIGTERM ends it with 0'(room) {
    room.mountVolume()
    const seen = await served(room)
    expect(seen.tools.includes('who_am_i'), `its tools are ${seen.tools}`)
    return seen.name
  },

  async 'it starts again on a volume whose modes were set anew, as with fsGroup (F4)'(room) {
    room.mountVolume()
    await served(room)
  },

  async 'doctor finds nothing wrong'({ run }) {
    const printed = await run(['mcp-credential-vault', 'doctor'], SERVER)
    expect(/^ok /m.test(printed), printed)
  },

  async 'without a volume, it says which folder is read-only'(room) {
    const { ended, output } = room.start([...commandOf(room)], { ...SERVER, MCP_VAULT_FOLDER: '/var/store' })
    const code = await ended
    expect(code === 1 && output().includes('MCP_VAULT_FOLDER'), `it ended with ${code}: ${output()}`)
  },
}

function commandOf({ config }) {
  return [...config.Entrypoint, ...config.Cmd.filter((word) => !/^--(host|port)=/.test(word)), ...OWN_HOST]
}

/** Starts the image's command, asks for its tools as a client does, and ends it as an orchestrator does. */
async function served(room) {
  const { child, ended, output } = room.start(commandOf(room), SERVER)
  try {
    const health = `http://127.0.0.1:${PORT}/health`
    for (let attempt = 0; !(await fetch(health).catch(() => undefined))?.ok; attempt += 1) {
      if (attempt > 600 || child.exitCode !== null) throw new Error(`it does not serve: ${output()}`)
      await delay(100)
    }
    const { sessionId, result } = await post({
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'image test', version: '1' } },
    })
    await post({ method: 'notifications/initialized' }, sessionId)
    const listed = await post({ id: 2, method: 'tools/list', params: {} }, sessionId)
    child.kill('SIGTERM')
    const code = await ended
    expect(code === 0, `it ended with ${code}: ${output()}`)
    return { name: result.serverInfo.name, tools: listed.result.tools.map(({ name }) => name) }
  } finally {
    child.kill('SIGKILL')
  }
}

async function post(message, sessionId) {
  const answer = await fetch(`http://localhost:${PORT}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      ...(sessionId && { 'mcp-session-id': sessionId, 'mcp-protocol-version': '2025-11-25' }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${message.method}: ${answer.status} ${text}`)
  const data = /^data: (\{.*\})$/m.exec(text)?.[1] ?? text
  return { sessionId: answer.headers.get('mcp-session-id'), ...(data === '' ? {} : JSON.parse(data)) }
}

function filesIn(folder, root = folder) {
  const skipped = new Set(['proc', 'sys', 'dev'].map((name) => join(root, name)))
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (skipped.has(path)) return []
    return entry.isDirectory() ? [path, ...filesIn(path, root)] : [path]
  })
}

function expect(isRight, problem) {
  if (!isRight) throw new Error(problem)
}
