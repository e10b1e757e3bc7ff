import { writeFileSync } from 'node:fs'
import { proxyConfigJsonSchema } from '../src/proxy/config/proxy-config.ts'

/** The JSON Schema of the proxy's configuration file. `npm run docs:proxy-schema` puts it there; a test says when it is stale. */
writeFileSync('docs/proxy.schema.json', `${JSON.stringify(proxyConfigJsonSchema(), undefined, 2)}\n`)
