import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { ALICE, sealedStore } from '../../harness/hashicorp-vault/sealed-store.ts'

let bao: OpenBao
beforeAll(async () => {
  bao = await startOpenBao()
})
afterAll(() => bao.stop())

/** A way to OpenBao on which `meanwhile` is done before a value is written. */
async function proxy(meanwhile: () => Promise<void>): Promise<string> {
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    if (incoming.method !== 'GET' && /\/data\//.test(incoming.url ?? '')) await meanwhile()
    const target = new URL(incoming.url ?? '', bao.address)
    const { host: _, ...headers } = incoming.headers
    request(target, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    }).end(Buffer.concat(chunks))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('a credential that is revoked while its record is written anew stays revoked', async () => {
  const store = await sealedStore(bao)
  const server = await store.open()
  await put(server, ALICE, { pat: 'tok-of-alice' })
  let revoked: boolean | undefined
  const address = await proxy(async () => {
    // An offboarding, or the owner's own page, while the operator reseals.
    revoked ??= await server.revoke(ALICE, { expect: 'any', purge: false, operationId: crypto.randomUUID() }, call())
  })
  const auth = { method: 'token', token: ROOT_TOKEN } as const
  const vault = vaultBackend({ address, auth, mount: store.mount, warn: () => undefined })
  const operator = sealedEnvelope(vault, { key: generateKeyText(), acceptedKeys: [store.key], warn: () => undefined })
  await operator.open()
  onTestFinished(() => operator.close())
  const report = await operator.resealing?.reseal(
    { dryRun: false, onProgress: () => undefined },
    AbortSignal.timeout(20_000),
  )
  expect(revoked).toBe(true)
  expect({ status: (await operator.stat(ALICE, call())).status, report }).toMatchObject({ status: 'revoked' })
})

test('a credential that is revoked while an operator rotates it stays revoked', async () => {
  const store = await sealedStore(bao)
  const server = await store.open()
  const { ref } = await put(server, ALICE, { pat: 'tok-of-alice' })
  let revoked: boolean | undefined
  const address = await proxy(async () => {
    const intent = { expect: 'any', purge: false, operationId: crypto.randomUUID() } as const
    revoked ??= await server.revoke(ALICE, intent, call())
  })
  const auth = { method: 'token', token: ROOT_TOKEN } as const
  const plain = vaultBackend({ address, auth, mount: store.mount, warn: () => undefined })
  await plain.open()
  onTestFinished(() => plain.close())
  const written = put(plain, ALICE, { pat: 'tok-of-alice-2' }, { expect: { version: ref } })
  await expect(written).rejects.toMatchObject({ code: 'conflict' })
  expect(revoked).toBe(true)
  expect(await plain.stat(ALICE, call())).toMatchObject({ status: 'revoked' })
})
