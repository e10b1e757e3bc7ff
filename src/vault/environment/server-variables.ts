import { z } from 'zod'
import { isUrl } from '../../core/model/url-value.ts'

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port, 0 to 65535')
  .transform(Number)
  .refine((number) => number <= 65_535, 'must be a port, 0 to 65535')

/** The variables that only the runnable server reads. */
export const serverVariables = z.object({
  MCP_METRICS_PORT: port.optional(),
  MCP_METRICS_HOST: z
    .string()
    .refine((host) => isUrl(`http://${host.includes(':') ? `[${host}]` : host}`), 'must be a host name or address')
    .default('127.0.0.1'),
  MCP_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  MCP_LOG_FORMAT: z.enum(['json', 'text']).optional(),
})

export type ServerVariables = z.output<typeof serverVariables>
