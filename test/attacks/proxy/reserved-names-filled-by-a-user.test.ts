import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChildWorld, call, childWorld } from '../../proxy/children/fixture.ts'

// A user who fills NODE_OPTIONS or LD_PRELOAD runs code in the proxy's machine; one who fills HTTPS_PROXY reads what others send.
let world: ChildWorld

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

const RESERVED = [
  ...[
    'NODE_OPTIONS',
    'node_options',
    'NODE_EXTRA_CA_CERTS',
    'NODE_TLS_REJECT_UNAUTHORIZED',
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
  ],
  ...['DYLD_INSERT_LIBRARIES', 'PYTHONPATH', 'PYTHONSTARTUP', 'PATH', 'BASH_ENV', 'ENV', 'PERL5OPT', 'RUBYOPT'],
  ...[
    'HTTP_PROXY',
    'http_proxy',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'NO_PROXY',
    'npm_config_registry',
    'UV_INDEX_URL',
    'PIP_INDEX_URL',
  ],
  ...[
    'GIT_SSH_COMMAND',
    'GIT_CONFIG_COUNT',
    'SSL_CERT_FILE',
    'SSLKEYLOGFILE',
    'JAVA_TOOL_OPTIONS',
    'MCP_VAULT_KEY',
    'XDG_CONFIG_HOME',
  ],
]
const OWN = ['HOME', 'TMPDIR', 'PWD', 'IFS', 'BASH_FUNC_ls', '_']

test.each([...RESERVED, ...OWN])('%s cannot be filled from a user, as a value or as a file', async (name) => {
  const refused = { code: 'configuration_invalid', message: expect.stringContaining(name) }
  await expect(world.start({ slots: { [name]: 'value' } })).rejects.toMatchObject(refused)
  await expect(world.start({ files: [{ variable: name, contents: 'value' }] })).rejects.toMatchObject(refused)
})

test.each(OWN)('%s cannot be a literal either, since the proxy or a shell sets it', async (name) => {
  await expect(world.start({ literals: { [name]: 'value' } })).rejects.toMatchObject({ reason: 'option' })
})

test('they may be literals of the operator', async () => {
  const literals = Object.fromEntries(
    RESERVED.filter((name) => !/^(?:LD|DYLD|NODE|node)_/.test(name)).map((name) => [name, '/x']),
  )
  const child = await world.start({ literals })
  expect(await call(child, 'environment')).toMatchObject(literals)
  await child.end('session_closed')
})

test.each(['GITLAB_PERSONAL_ACCESS_TOKEN', 'JIRA_URL', 'GIT_TOKEN', 'API_KEY', 'KUBECONFIG', 'NETRC'])(
  '%s can be filled from a user',
  async (name) => {
    const child = await world.start({ slots: { [name]: 'value' } })
    expect(await call(child, 'environment')).toMatchObject({ [name]: 'value' })
    await child.end('session_closed')
  },
)

test('a name that is declared twice is refused, so that a user cannot replace a literal', async () => {
  const twice = world.start({ literals: { API_URL: 'https://ours' }, slots: { API_URL: 'https://theirs' } })
  await expect(twice).rejects.toThrow('API_URL is declared twice')
})
