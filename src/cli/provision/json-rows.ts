import { isJsonObject, parsedJson } from '../../core/model/json.ts'
import { UsageError } from '../terminal/command-line.ts'
import type { ReadRow } from './row.ts'

const KEYS = ['provider', 'issuer', 'subject', 'fields'] as const
const FORM = '{"provider":"…","issuer":"…","subject":"…","fields":{"…":"…"}}'

/** Reads JSON lines, one credential per line: `{"provider":…,"issuer":…,"subject":…,"fields":{…}}`. Empty lines are left out. */
export function jsonRows(text: string, source: string): readonly ReadRow[] {
  const rows = text.split('\n').flatMap((line, at): ReadRow[] => {
    return line.trim() === '' ? [] : [rowOf(line, `line ${at + 1} of ${source}`)]
  })
  if (rows.length === 0) throw new UsageError(`${source} is empty; write one line for each credential: ${FORM}`)
  return rows
}

function rowOf(line: string, place: string): ReadRow {
  const json = parsedJson(line)
  if (!isJsonObject(json)) return { place, problem: `is not a JSON object of the form ${FORM}` }
  if (Object.keys(json).some((key) => !KEYS.some((known) => known === key)))
    return { place, problem: `has keys other than ${KEYS.join(', ')}` }
  const { provider, issuer, subject, fields } = json
  if (
    typeof provider !== 'string' ||
    typeof issuer !== 'string' ||
    typeof subject !== 'string' ||
    !isJsonObject(fields)
  )
    return { place, problem: `is not of the form ${FORM}` }
  const values = Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  if (values.length < Object.keys(fields).length) return { place, problem: 'has a field whose value is not text' }
  return { place, provider, issuer, subject, fields: new Map(values.filter(([, value]) => value !== '')) }
}
