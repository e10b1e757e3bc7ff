import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sweepInstances } from '../../../src/proxy/children/watchdog/instance-folder.ts'
import { openWatchdog } from '../../../src/proxy/children/watchdog/watchdog.ts'

// Everybody may make files in the folders for temporary files, and a start removes what looks like a dead proxy's.
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'planted-'))
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Old enough to be no folder that is being made. */
const makeOld = (path: string) => utimesSync(path, 1, 1)

test('a link in the place of a dead proxy leads to nothing that is removed', async () => {
  const target = join(root, 'of-somebody')
  mkdirSync(target)
  writeFileSync(join(target, 'file'), 'precious')
  symlinkSync(target, join(root, 'mcv-proxy-aaaaaa'))
  const folder = join(root, 'mcv-proxy-bbbbbb')
  mkdirSync(folder)
  symlinkSync(target, join(folder, 'link'))
  makeOld(folder)
  expect(await sweepInstances(root)).toBe(1)
  expect(existsSync(folder)).toBe(false)
  expect(existsSync(join(target, 'file'))).toBe(true)
})

test("the folder of a proxy that runs stays, and so do a young one and another user's", async () => {
  const running = await openWatchdog({ folder: root, secretsFolder: root, log: () => undefined })
  const young = join(root, 'mcv-proxy-cccccc')
  mkdirSync(young)
  const foreign = join(root, 'mcv-proxy-dddddd')
  mkdirSync(foreign)
  makeOld(foreign)
  const isRoot = process.getuid?.() === 0
  if (isRoot) chownSync(foreign, 65_534, 65_534)
  expect(await sweepInstances(root)).toBe(isRoot ? 0 : 1)
  expect([running.folder, running.secretsFolder, young].every((folder) => existsSync(folder))).toBe(true)
  expect(existsSync(foreign)).toBe(isRoot)
  await running.close()
  expect([running.folder, running.secretsFolder].filter((folder) => existsSync(folder))).toEqual([])
})
