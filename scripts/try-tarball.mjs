// Packs the project, installs the tarball into an empty project as a user would, and uses it there.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'tarball-'))
const run = (command, parameters, options = {}) =>
  execFileSync(command, parameters, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options })

try {
  const [packed] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: resolve('.') }),
  )
  const files = packed.files.map(({ path }) => path)
  const strange = files.filter(
    (path) => !/^(dist|templates)\/|^(package\.json|README\.md|LICENSE|SECURITY\.md|CHANGELOG\.md)$/.test(path),
  )
  if (strange.length > 0) throw new Error(`The tarball holds what nobody uses: ${strange.join(', ')}`)

  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  run('npm', ['install', '--silent', '--no-fund', '--no-audit', join(folder, packed.filename)])
  // The SDK is an optional peer: without it everything but its own adapter works.
  writeFileSync(
    join(folder, 'without-sdk.mjs'),
    `import { CredentialsProvider, memoryBackend, openVault } from 'mcp-credential-vault'
     const vault = await openVault({ serverBaseUrl: 'http://localhost:8005', backend: memoryBackend(), warn: () => {} })
     new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token', type: 'password' } } })
     console.log(vault.openPaths.join(' '))
     await vault.close()
     await import('mcp-credential-vault/mcp/sdk-v1').then(
       () => { throw new Error('the SDK is not installed here') },
       (error) => { if (!String(error).includes('@modelcontextprotocol/sdk')) throw error },
     )`,
  )
  console.log(run(process.execPath, ['without-sdk.mjs']).trim())
  const key = run('npx', ['--no-install', 'mcp-credential-vault', 'keygen']).trim()
  if (!/^mcv1_/.test(key)) throw new Error('keygen printed no key')

  run('npm', ['install', '--silent', '--no-fund', '--no-audit', '@modelcontextprotocol/sdk@1.32.2'])
  writeFileSync(
    join(folder, 'with-sdk.mjs'),
    `import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
     import { CredentialsProvider, memoryBackend, openVault } from 'mcp-credential-vault'
     import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'
     const vault = await openVault({ serverBaseUrl: 'http://localhost:8005', backend: memoryBackend(), warn: () => {} })
     const jira = new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token', type: 'password' } } })
     const server = new McpServer({ name: 'x', version: '1' })
     server.registerTool('x', {}, credentialGate(server)(jira, async () => ({ content: [] })))
     await vault.close()`,
  )
  run(process.execPath, ['with-sdk.mjs'])
  console.log(
    `${files.length} files, ${Math.round(packed.size / 1024)} kB packed: installed and used with and without the SDK.`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
