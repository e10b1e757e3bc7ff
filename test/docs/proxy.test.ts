import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { parseProxyConfig } from '../../src/proxy/config/read-config.ts'
import { createProxy, readProxyConfig } from '../../src/server/proxy/index.ts'
import { openLocalVault } from '../../src/vault/local/open-local-vault.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/proxy.md'), 'utf8')

test('the configuration of a server over stdio is read', () => {
  const [, second = ''] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml)
  expect(parseProxyConfig(second, 'proxy.yaml').upstreams['gitlab']?.command?.[0]).toBe('npx')
})

test("docs/proxy.md's configuration is read, and a proxy starts with it", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-page-'))
  const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  writeFileSync(join(folder, 'proxy.yaml'), yaml)
  const config = readProxyConfig(join(folder, 'proxy.yaml'))
  rmSync(folder, { recursive: true })
  expect(config.upstreams['gitlab']?.headers).toEqual({ Authorization: 'Bearer {pat}' })
  const vault = await openLocalVault({
    backend: memoryBackend(),
    audit: memoryAudit(),
    name: 'alice',
    warn: () => undefined,
  })
  expect(createProxy(vault, config)).toBeTypeOf('function')
  await vault.close()
})
