import { z } from 'zod'
import { proxyConfigSchema } from './proxy-config.ts'

/** Returns the JSON Schema (2020-12) of the configuration file, for editors. */
export function proxyConfigJsonSchema(): object {
  const schema = z.toJSONSchema(proxyConfigSchema, { io: 'input', unrepresentable: 'any' })
  return { ...schema, title: 'Configuration of the credential proxy of mcp-credential-vault' }
}
