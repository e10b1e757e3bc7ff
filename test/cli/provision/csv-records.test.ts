import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvRecords } from '../../../src/cli/provision/csv-records.ts'

const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`

test('whatever cells hold, they come back, with the line on which their record begins', () => {
  const cells = fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', '=', ' ', 'é') }), {
    minLength: 2,
    maxLength: 4,
  })
  fc.assert(
    fc.property(fc.array(cells, { maxLength: 6 }), fc.constantFrom('\n', '\r\n'), (rows, end) => {
      const records = csvRecords(rows.map((row) => row.map(quoted).join(',') + end).join(''), 'x')
      expect(records.map((record) => record.cells)).toEqual(rows)
      let line = 1
      for (const [at, record] of records.entries()) {
        expect(record.line).toBe(line)
        line += 1 + (rows[at] ?? []).join(',').split(/\r\n|\n|\r/).length - 1
      }
    }),
  )
})

test.each([
  ['a,b\nc', [['a', 'b'], ['c']]],
  [
    'a,b,\n\n\nc,d,',
    [
      ['a', 'b', ''],
      ['c', 'd', ''],
    ],
  ],
  [
    'a,"b"\r\n"c",d',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['', []],
])('%j', (text, rows) => expect(csvRecords(text, 'x').map(({ cells }) => cells)).toEqual(rows))

test.each(['a,"b', 'a,b"c', '"a"b,c', `a\n"${'x'.repeat(20_000_000)}`, `"${'""'.repeat(10_000_000)}`])(
  'a quote that does not fit is an error, however long the cell is (%#)',
  (text) => expect(() => csvRecords(text, 'x')).toThrow(/^x: line [12] has a quote/),
)
