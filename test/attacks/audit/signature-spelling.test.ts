import { expect, test } from 'vitest'
import { auditLogUnderTest } from '../../harness/audit-log.ts'

test('the last signature written in another way is a change', async () => {
  const log = await auditLogUnderTest()
  await log.write(3)
  const lines = await log.lines()
  const last = lines.at(-1) ?? ''
  const next = { A: 'B', Q: 'R', g: 'h', w: 'x' }[last.at(-3) ?? '']
  expect(next).toBeDefined()
  await log.replace([...lines.slice(0, -1), `${last.slice(0, -3)}${next}"}`])
  expect(await log.verdict()).toMatchObject({ integrity: 'tampered' })
})

test('a checkpoint with another number or writer than was signed is not believed', async () => {
  const log = await auditLogUnderTest()
  await log.write(100)
  const [first] = log.checkpoints
  const anchors = JSON.stringify({ ...first, seq: 1_000_000 })
  expect(await log.verdict({ anchors })).toMatchObject({ kinds: ['anchor_invalid'] })
})
