import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { startService } from '../../harness/http-service.ts'
import { startFormProvider } from '../../harness/identity/opened-identity.ts'

test('below a base path, the issuer has the path, and its metadata is at the path inserted (RFC 8414 §3.1)', async () => {
  const provider = await startFormProvider()
  const vault = await openVault({
    serverBaseUrl: 'http://localhost:39999/tools',
    backend: memoryBackend(),
    audit: memoryAudit(),
    webKey: generateKeyText(),
    identity: oidc({ issuer: provider.issuer, clientId: 'credential-form', clientLogin: {} }),
  })
  const handle = vault.nodeHandler()
  const service = await startService((request, response) => handle(request, response))
  onTestFinished(async () => {
    await service.close()
    await vault.close()
    await provider.close()
  })
  const url = `${service.origin}/.well-known/oauth-authorization-server/tools`
  expect(await (await fetch(url)).json()).toMatchObject({
    issuer: 'http://localhost:39999/tools',
    token_endpoint: 'http://localhost:39999/tools/credentials/token',
  })
})
