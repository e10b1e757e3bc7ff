import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ended } from '../harness/deploy/deploy-tools.ts'
import { freePort } from '../harness/free-port.ts'
import { blocksOf, installInto, shell } from '../harness/processes/run-page-commands.ts'

const UNIT = 'deploy/systemd/mcp-server.service'
const PAGE = 'docs/deployment.md'
const unit = readFileSync(UNIT, 'utf8')
const settingOf = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''

function folderWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'systemd-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  // The check wants the program to exist, and this machine's Node may be elsewhere.
  writeFileSync(join(folder, 'mcp-server.service'), text.replaceAll('/usr/bin/node', process.execPath))
  return folder
}

const analyze = (words: readonly string[], text: string) =>
  ended('systemd-analyze', [...words, join(folderWith(text), 'mcp-server.service')])

test('systemd knows every setting of the unit, and names one that is misspelt', async () => {
  const { code, error } = await analyze(['verify'], unit)
  expect(error).not.toMatch(/mcp-server\.service/)
  expect(code).toBe(0)
  const misspelt = await analyze(['verify'], unit.replace('ProtectHome', 'ProtectHme'))
  expect(misspelt.error).toContain("Unknown key 'ProtectHme'")
})

test('systemd rates its exposure at most 2.0 of 10, and an unprotected one higher', async () => {
  const rate = ['security', '--offline=true', '--no-pager', '--threshold=20']
  const { code, out } = await analyze(rate, unit)
  expect(code, out).toBe(0)
  expect(
    (await analyze(rate, unit.replaceAll(/^(Protect|Private|Restrict|SystemCall|Capability).*$/gm, ''))).code,
  ).not.toBe(0)
})

test('it gives the server more time than it needs to end', () => {
  expect(Number(settingOf('TimeoutStopSec'))).toBeGreaterThan(25)
})

test("the page's commands install a server, its command runs, and doctor is content", async () => {
  const home = mkdtempSync(join(tmpdir(), 'machine-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const clone = join(home, 'clone')
  mkdirSync(clone)
  installInto(clone)
  writeFileSync(join(clone, 'package.json'), '{ "private": true, "type": "module" }\n')
  for (const folder of ['etc/systemd/system', 'opt', 'var/lib/mcp-server', 'bin'])
    mkdirSync(join(home, folder), { recursive: true })
  // Without root's rights and without systemd: sudo runs the command, and the others only say what they were asked.
  const command = (name: string, text: string) =>
    writeFileSync(join(home, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  command('sudo', '[ "$1" != -u ] || shift 2\nexec "$@"')
  command(
    'install',
    'for word; do shift; case $word in -o|-g) skip=1;; *) [ -n "$skip" ] || set -- "$@" "$word"; skip=;; esac; done\nexec /usr/bin/install "$@"',
  )
  for (const name of ['useradd', 'systemctl']) command(name, `echo ${name} "$@"`)
  const port = await freePort()
  const here = (text: string) =>
    text
      .replaceAll(/(?<![\w/])\/(etc|opt|var\/lib)\//g, `${home}/$1/`)
      .replaceAll(' deploy/systemd', ` ${process.cwd()}/deploy/systemd`)
      .replaceAll('8005', String(port))
  const environment = { PATH: `${home}/bin:${process.env['PATH']}` }
  const [install = '', start = '', operate = ''] = blocksOf(PAGE, 'systemd').map(here)
  const installed = shell(install, clone, environment)
  expect(await installed.ended, installed.output()).toBe(0)
  expect(installed.output()).toContain('useradd --system')
  expect(statSync(join(home, 'etc/mcp-server/vault.key')).mode & 0o077).toBe(0)
  const settings = join(home, 'etc/mcp-server/environment')
  const example = here(readFileSync(settings, 'utf8'))
  // A machine without an identity provider and a proxy.
  const local = example
    .replaceAll(/^MCP_(OIDC|TRUSTED).*\n/gm, '')
    .replace(/^MCP_SERVER_BASE_URL=.*$/m, `MCP_SERVER_BASE_URL=http://localhost:${port}`)
  writeFileSync(settings, `${local}MCP_LOCAL_ACCESS_TOKEN=${'t'.repeat(40)}\n`)
  const enabled = shell(start, clone, environment)
  expect(await enabled.ended).toBe(0)
  expect(enabled.output()).toBe('systemctl daemon-reload\nsystemctl enable --now mcp-server\n')

  const [program = '', ...words] = here(settingOf('ExecStart')).split(' ')
  expect(program).toBe('/usr/bin/node')
  const variables = Object.fromEntries(
    readFileSync(settings, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  )
  const server = spawn(process.execPath, words, {
    cwd: here(`${settingOf('WorkingDirectory')}/`).slice(0, -1),
    env: { ...variables, PATH: process.env['PATH'] },
  })
  onTestFinished(() => void server.kill('SIGKILL'))
  const closed = new Promise((resolve) => server.once('close', resolve))
  await expect
    .poll(() =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(200)
  const checked = shell(operate.replace(/^cd .*$/m, `cd ${home}/opt/mcp-server`), clone, environment)
  expect(await checked.ended, checked.output()).toBe(0)
  server.kill(settingOf('KillSignal') === '' ? 'SIGTERM' : 'SIGKILL')
  expect(await closed).toBe(0)
})
