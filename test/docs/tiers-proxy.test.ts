import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, fetch } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { withAdministration } from '../../scripts/bring-from-debian.mjs'
import { freePort } from '../harness/free-port.ts'
import { blocksOf } from '../harness/processes/run-page-commands.ts'
import { startProcess } from '../harness/processes/running-process.ts'

const [SAMPLE = ''] = blocksOf('docs/tiers.md', 'Put a proxy in front', 'nginx')
const PATIENT = new Agent({ connect: { rejectUnauthorized: false } })

/** A tier that answers with its name and what the proxy told it. */
async function tier(name: string): Promise<number> {
  const server = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('end', () => {
      const { host, 'x-forwarded-for': from } = request.headers
      response.setHeader('Content-Type', 'text/html')
      response.end(JSON.stringify({ name, host, from, bytes, filler: 'x'.repeat(2_000) }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** nginx with the sample of the page, whose addresses and files are those of this machine. */
async function proxyOfThePage(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tiers-proxy-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  const subject = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost']
  execFileSync('openssl', ['req', ...subject, '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')], {
    stdio: 'ignore',
  })
  const here = SAMPLE.replace('form-1:8005', `127.0.0.1:${await tier('form')}`)
    .replace('tools-1:8005', `127.0.0.1:${await tier('tools')}`)
    .replaceAll('/run/secrets/nginx', folder)
    .replace('listen 8443', `listen 127.0.0.1:${port}`)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`)
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off;\nmaster_process off;\npid ${folder}/pid;\nevents {}\nhttp {\naccess_log off;\n${temporary.join('\n')}\n${here}}\n`,
  )
  const url = `https://localhost:${port}`
  const started = await startProcess(
    'nginx',
    ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', join(folder, 'error.log')],
    { PATH: withAdministration(process.env)['PATH'] },
    async () => (await fetch(`${url}/`, { dispatcher: PATIENT })).status === 404,
  )
  onTestFinished(() => started.stop('SIGTERM'))
  return url
}

test('the proxy of the page sends each path to its tier, and publishes no health check', async () => {
  const url = await proxyOfThePage()
  const ask = async (path: string, options = {}) => {
    const answer = await fetch(url + path, { dispatcher: PATIENT, headers: { 'Accept-Encoding': 'gzip' }, ...options })
    expect(answer.headers.get('content-encoding')).toBeNull()
    return { status: answer.status, text: await answer.text() }
  }
  const told = async (path: string, options = {}) => JSON.parse((await ask(path, options)).text) as object
  // The server compares host and port with MCP_SERVER_BASE_URL.
  const proxied = { host: new URL(url).host, from: '127.0.0.1' }
  for (const path of ['/credentials', '/credentials/jira/connect?x=1'])
    expect(await told(path)).toMatchObject({ name: 'form', ...proxied })
  for (const path of ['/mcp', '/.well-known/oauth-protected-resource/mcp'])
    expect(await told(path)).toMatchObject({ name: 'tools', ...proxied })
  const body = 'x'.repeat(3 * 1024 * 1024)
  expect(await told('/mcp', { method: 'POST', body })).toMatchObject({ name: 'tools', bytes: body.length })
  for (const path of ['/', '/health', '/healthz', '/readyz', '/metrics', '/mcp/other'])
    expect((await ask(path)).status, path).toBe(404)
})

test('the proxy of the page has the directives of deploy/compose/nginx.conf', () => {
  const complete = readFileSync('deploy/compose/nginx.conf', 'utf8')
  const lines = SAMPLE.split('\n').map((line) => line.trim())
  const directives = lines.filter((line) =>
    /^(?:client_max|gzip|proxy_(?!pass)|hash|ssl_|return|location =)/.test(line),
  )
  expect(directives.length).toBeGreaterThan(10)
  for (const directive of directives) expect(complete).toContain(directive)
})
