import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createRevisions, type RevisionListing } from '../../../src/backends/sealed-file/revisions.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

const ID = 'ab3'.padEnd(40, '0')
const TEN_MINUTES = 600_000

async function emptyRoot(): Promise<string> {
  const root = await temporaryFolder()
  await mkdir(join(root, 'records'))
  await mkdir(join(root, 'tmp'))
  return root
}

test('a revision is committed once', async () => {
  const revisions = createRevisions(await emptyRoot())
  const listing = await revisions.look(ID)
  expect(listing.newest).toBe(0)
  expect(await revisions.commit(listing, 1, Buffer.from('first'))).toBe(true)
  expect(await revisions.commit(listing, 1, Buffer.from('second'))).toBe(false)
  expect(await revisions.read(ID, 1)).toMatchObject({ bytes: Buffer.from('first') })
  expect((await revisions.look(ID)).revisions).toEqual([1])
})

test('revisions are ordered by number, not by name', async () => {
  const revisions = createRevisions(await emptyRoot())
  for (let revision = 1; revision <= 11; revision += 1) {
    await revisions.commit(await revisions.look(ID), revision, Buffer.from('x'))
  }
  expect((await revisions.look(ID)).newest).toBe(11)
})

test('a writer that looked too long ago has to look again, by either clock', async () => {
  const root = await emptyRoot()
  const revisions = createRevisions(root)
  const listing = await revisions.look(ID)
  const stale: RevisionListing[] = [
    { ...listing, wallTime: listing.wallTime - TEN_MINUTES / 2 - 1 },
    { ...listing, monotonicTime: listing.monotonicTime - TEN_MINUTES / 2 - 1 },
  ]
  for (const each of stale) expect(await revisions.commit(each, 1, Buffer.from('late'))).toBe(false)
  expect((await revisions.look(ID)).newest).toBe(0)
  expect(await readdir(join(root, 'tmp'))).toEqual([])
})

test('a name stays taken until no writer can still believe that it is free', async () => {
  const revisions = createRevisions(await emptyRoot())
  const slow = await revisions.look(ID)
  for (let revision = 1; revision <= 6; revision += 1) {
    const listing = await revisions.look(ID)
    await revisions.commit(listing, revision, Buffer.from(`${revision}`))
    await revisions.prune(listing)
  }
  expect(await revisions.commit(slow, 1, Buffer.from('slow'))).toBe(false)
  expect(await revisions.read(ID, 1)).toMatchObject({ bytes: Buffer.alloc(0) })
})

test('an aborted commit leaves nothing', async () => {
  const root = await emptyRoot()
  const revisions = createRevisions(root)
  const attempt = revisions.commit(await revisions.look(ID), 1, Buffer.from('x'), AbortSignal.abort())
  await expect(attempt).rejects.toMatchObject({ code: 'unavailable', reason: 'aborted' })
  expect((await revisions.look(ID)).newest).toBe(0)
  expect(await readdir(join(root, 'tmp'))).toEqual([])
})
