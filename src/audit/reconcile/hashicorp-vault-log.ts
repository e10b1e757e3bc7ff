import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { parsedJson } from '../../core/model/json.ts'
import { type BackendLog, type BackendLogEntry, backendLog, type ForeignAccess } from './backend-log.ts'

const entry = z.object({
  type: z.literal('response'),
  time: z.string(),
  error: z.string().optional(),
  auth: z.object({ display_name: z.string().optional(), entity_id: z.string().optional() }).optional(),
  request: z.object({
    id: z.string(),
    operation: z.string(),
    path: z.string(),
    headers: z.record(z.string(), z.array(z.string())).nullish(),
  }),
})

/** Operations that touch a value, by engine path; listing and describing do not. */
const TOUCHING: Readonly<Record<string, readonly string[]>> = {
  data: ['read', 'create', 'update', 'patch', 'delete'],
  delete: ['create', 'update'],
  undelete: ['create', 'update'],
  destroy: ['create', 'update'],
  metadata: ['delete'],
}

/** Reads the file of an audit device of Vault or OpenBao and finds the requests that touched values below a prefix of a mount. */
export async function readHashicorpVaultLog(path: string, mount: string, prefix: string): Promise<BackendLog> {
  const entries: BackendLogEntry[] = []
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const found = entry.safeParse(parsedJson(line))
    if (!found.success) continue
    const { time, request } = found.data
    entries.push({ at: time, requestId: request.id, access: accessOf(found.data, mount, prefix) })
  }
  return backendLog(entries)
}

function accessOf(
  { time, error, auth, request }: z.output<typeof entry>,
  mount: string,
  prefix: string,
): ForeignAccess | undefined {
  const below = request.path.startsWith(`${mount}/`) ? request.path.slice(mount.length + 1) : ''
  const [kind = '', ...rest] = below.split('/')
  if (!TOUCHING[kind]?.includes(request.operation) || !rest.join('/').startsWith(`${prefix}/`)) return undefined
  return {
    at: time,
    operation: `${request.operation} ${request.path}`,
    requestId: request.id,
    correlationId: request.headers?.['x-correlation-id']?.[0],
    who: auth?.display_name ?? '',
    refused: error !== undefined && error !== '',
  }
}
