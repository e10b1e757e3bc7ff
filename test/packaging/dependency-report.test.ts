import { expect, test } from 'vitest'
import { billOf, foreignLicences, judgeAdvisories } from '../../scripts/dependency-report.mjs'

test('licences that nobody has agreed to are named, and a package without one', () => {
  const component = (
    name: string,
    ...licenses: { license?: { id?: string; name?: string }; expression?: string }[]
  ) => ({
    name,
    version: '1.0.0',
    licenses,
  })
  expect(
    foreignLicences([
      component('fine', { license: { id: 'MIT' } }),
      component('either', { expression: '(GPL-2.0 OR MIT)' }),
      component('both', { expression: 'GPL-2.0 AND MIT' }),
      component('other', { license: { name: 'SEE LICENSE IN x' } }),
      { name: 'none', version: '2.0.0' },
    ]),
  ).toEqual(['both@1.0.0 (GPL-2.0 AND MIT)', 'other@1.0.0 (SEE LICENSE IN x)', 'none@2.0.0 (no licence)'])
})

test('an audit that finds nothing, one that finds something, and one that was never made are three things', () => {
  const report = (total: number) =>
    JSON.stringify({ vulnerabilities: total > 0 ? { koa: {} } : {}, metadata: { vulnerabilities: { total } } })
  expect(judgeAdvisories(report(0))).toBe('none')
  expect(() => judgeAdvisories(report(2))).toThrow('2 known, in: koa')
  expect(judgeAdvisories('{"message":"405 Method Not Allowed"}')).toMatchObject({
    notChecked: expect.stringContaining('405 Method Not Allowed'),
  })
  expect(judgeAdvisories('')).toMatchObject({ notChecked: expect.stringContaining('no report') })
})

test("the bill of materials is the package's own, and says nothing of the machine that made it", () => {
  const component = (name: string, url: string) => ({
    'bom-ref': `${name}@1.0.0`,
    name,
    version: '1.0.0',
    externalReferences: [{ url }],
  })
  const bill = billOf('ours', {
    metadata: { component: { 'bom-ref': 'empty@1.0.0' } },
    components: [component('ours', 'file:/home/me/ours.tgz'), component('koa', 'https://koajs.com')],
    dependencies: [
      { ref: 'empty@1.0.0', dependsOn: ['ours@1.0.0'] },
      { ref: 'ours@1.0.0', dependsOn: ['koa@1.0.0'] },
    ],
  })
  expect(bill.metadata.component).toMatchObject({ 'bom-ref': 'ours@1.0.0', externalReferences: [] })
  expect(bill.components.map(({ name }) => name)).toEqual(['koa'])
  expect(bill.dependencies).toEqual([{ ref: 'ours@1.0.0', dependsOn: ['koa@1.0.0'] }])
})
