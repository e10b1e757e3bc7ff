import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { compiled } from '../support/compiled.ts'
import { ROOT_TOKEN, startOpenBao } from '../support/open-bao.ts'
import { pythonCommand } from '../support/running-process.ts'

const ROOT = join(import.meta.dirname, '../..')
const ADDRESS = 'https://vault.example.com:8200'
const page = readFileSync(join(ROOT, 'docs/backends/vault.md'), 'utf8')

/** The commands of "Set it up", in their order. */
function commands(): string {
  const section = page.split(/^## /m).find((text) => text.startsWith('Set it up')) ?? ''
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text]) => text).join('')
}

/** A folder with the project's documents, in which the page's two commands exist. */
async function operatorsFolder(): Promise<{ readonly folder: string; readonly path: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'vault-page-'))
  const main = await compiled(join(ROOT, 'src/cli/main.ts'))
  onTestFinished(() => {
    main.remove()
    rmSync(folder, { recursive: true, force: true })
  })
  symlinkSync(join(ROOT, 'docs'), join(folder, 'docs'))
  const installed = {
    vault: [process.env['VAULT_BIN'] ?? pythonCommand('bao')],
    'mcp-credential-vault': [process.execPath, main.script],
  }
  for (const [name, words] of Object.entries(installed)) {
    writeFileSync(join(folder, name), `#!/bin/sh\nexec ${words.map((word) => `'${word}'`).join(' ')} "$@"\n`)
    chmodSync(join(folder, name), 0o700)
  }
  return { folder, path: `${folder}${delimiter}${process.env['PATH']}` }
}

test('F19: the page, followed word for word, ends in a green doctor', { timeout: 120_000 }, async () => {
  const bao = await startOpenBao()
  onTestFinished(() => bao.stop())
  // As a new Vault is: the dev server comes with an engine.
  await bao.api('DELETE', 'sys/mounts/secret')
  const { folder, path } = await operatorsFolder()
  // As "vault login" leaves it.
  writeFileSync(join(folder, '.vault-token'), ROOT_TOKEN)

  expect(commands()).toContain(`VAULT_ADDR=${ADDRESS}\n`)
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', commands().replace(ADDRESS, bao.address)], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: path, HOME: folder },
  })
  expect(stderr).toBe('')
  expect(status, stdout).toBe(0)
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
    expect(stdout).toMatch(new RegExp(`^ok +${check} `, 'm'))
  expect(stdout).toMatch(/opens the store +vault$/m)
  expect(stdout).not.toContain('WRONG')
  expect(stdout).toContain('All is well.')
})
