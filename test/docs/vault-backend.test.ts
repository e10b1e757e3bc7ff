import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../harness/free-port.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { blocksOf, installInto, shell } from '../harness/processes/run-page-commands.ts'
import { pythonCommand } from '../harness/processes/running-process.ts'

const PAGE = 'docs/backends/vault.md'
const ADDRESS = 'https://vault.example.com:8200'

/** The commands of "Set it up", for a server of the test's own. */
function commands(bao: OpenBao, port: number) {
  const all = blocksOf(PAGE, 'Set it up').map((text) => {
    const own = text.replaceAll(ADDRESS, bao.address).replaceAll('8005', String(port))
    return own.replace('start tools.mjs', `start tools.mjs --port ${port}`)
  })
  const [start = '', list = ''] = all.slice(-2)
  return { setUp: all.slice(0, -2).join(''), start, list }
}

/** A server's folder with the package in it, in which `vault` is there as well. */
function serversFolder(): { readonly folder: string; readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'vault-page-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  installInto(folder)
  symlinkSync(process.env['VAULT_BIN'] ?? pythonCommand('bao'), join(folder, 'vault'))
  return { folder, path: `${folder}${delimiter}${process.env['PATH']}` }
}

test('the commands on labels remove a mark and record an expiry', async () => {
  const bao = await startOpenBao()
  onTestFinished(() => bao.stop())
  const folder = mkdtempSync(join(tmpdir(), 'vault-labels-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  symlinkSync(process.env['VAULT_BIN'] ?? pythonCommand('bao'), join(folder, 'vault'))
  await bao.api('POST', 'secret/data/mcp/jira/issuer/alice', { data: { pat: 'x' } })
  await bao.api('PATCH', 'secret/metadata/mcp/jira/issuer/alice', { custom_metadata: { 'mcp-rejected': '1 2026' } })
  const [block = ''] = blocksOf(PAGE, 'Labels')
  expect(block).toContain('mcp/jira/…')
  const environment = {
    PATH: `${folder}${delimiter}${process.env['PATH']}`,
    VAULT_ADDR: bao.address,
    VAULT_TOKEN: ROOT_TOKEN,
  }
  const run = shell(block.replaceAll('mcp/jira/…', 'mcp/jira/issuer/alice'), folder, environment)
  expect(await run.ended, run.output()).toBe(0)
  const { body } = await bao.api('GET', 'secret/metadata/mcp/jira/issuer/alice')
  expect(body.data.custom_metadata).toEqual({ 'mcp-expires': '2027-01-31' })
})

test('F19: the page, followed word for word, ends in a green doctor, a server, and a list for the operator', {
  timeout: 120_000,
}, async () => {
  const bao = await startOpenBao()
  onTestFinished(() => bao.stop())
  // As a new Vault is: the dev server comes with an engine.
  await bao.api('DELETE', 'sys/mounts/secret')
  const { folder, path } = serversFolder()
  const environment = { PATH: path }
  // As "vault login" leaves it.
  writeFileSync(join(folder, '.vault-token'), ROOT_TOKEN)

  expect(readFileSync(PAGE, 'utf8')).toContain(`VAULT_ADDR=${ADDRESS}\n`)
  const { setUp, start, list } = commands(bao, await freePort())
  const followed = shell(setUp, folder, environment)
  expect(await followed.ended, followed.output()).toBe(0)
  for (const check of [
    "the form's login opens the store",
    "the tools' login opens the store",
    "the form's login saves",
    "the form's login cannot read",
    "the tools' login reads",
    "the tools' login cannot save",
    "the form's login has the rights of its policy and no other",
    "the tools' login has the rights of its policy and no other",
    'the audit log can be written',
  ])
    expect(followed.output()).toMatch(new RegExp(`^ok +${check} `, 'm'))
  expect(followed.output()).toMatch(/opens the store +vault$/m)
  expect(followed.output()).not.toContain('WRONG')
  expect(followed.output()).toContain('All is well.')

  // The variables are those of the shell that has followed the steps before.
  expect(start).toContain('npx mcp-credential-vault start')
  const variables = setUp.slice(
    setUp.indexOf('export MCP_VAULT_BACKEND'),
    setUp.indexOf('npx mcp-credential-vault doctor'),
  )
  const server = shell(`export VAULT_ADDR=${bao.address}\n${variables}${start}`, folder, environment)
  await expect.poll(() => server.output(), { timeout: 60_000 }).toContain('Serving')

  // The server's logins may not list, and the message names the policy that may.
  const refused = shell(
    `export VAULT_ADDR=${bao.address}\n${variables}npx mcp-credential-vault list`,
    folder,
    environment,
  )
  expect(await refused.ended).toBe(1)
  expect(refused.output()).toContain('vault-operator.hcl')

  // Another shell, with the administrator's login alone.
  const listed = shell(list, folder, environment)
  expect(await listed.ended, listed.output()).toBe(0)
  expect(listed.output()).toContain('There are no credentials.')

  // What audit.md adds, for reconcile: the server's log has our header.
  const [header = ''] = blocksOf('docs/audit.md', 'Switch the log of Vault on')
  const logged = shell(`export VAULT_ADDR=${bao.address}\n${header}${list}`, folder, environment)
  expect(await logged.ended, logged.output()).toBe(0)
  expect(JSON.stringify(bao.auditLines().at(-1))).toContain('"x-correlation-id"')
})
