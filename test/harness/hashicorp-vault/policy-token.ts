import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OpenBao } from './open-bao.ts'

const POLICIES = join(import.meta.dirname, '../../../docs/backends/policies')

/** Makes a token with one of the documented policies for this mount, and `more` rules that an operator added. */
export async function policyToken(bao: OpenBao, policy: 'form' | 'tool', mount: string, more = ''): Promise<string> {
  const name = `policy-${randomUUID().slice(0, 8)}`
  const file = readFileSync(join(POLICIES, `vault-${policy}.hcl`), 'utf8')
  await bao.api('PUT', `sys/policies/acl/${name}`, { policy: `${file}${more}`.replaceAll('"secret/', `"${mount}/`) })
  const { body } = await bao.api('POST', 'auth/token/create', { policies: [name], ttl: '1h' })
  return body.auth.client_token
}
