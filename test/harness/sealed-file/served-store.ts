import { memoryAudit } from '../../../src/audit/memory.ts'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { openVault } from '../../../src/vault/open-vault.ts'

/**
 * A server's process that opens its vault, says so, and stays until it is killed or its standard input ends. Arguments: folder, base
 * URL. The key comes from the environment.
 */
const [folder = '', serverBaseUrl = ''] = process.argv.slice(2)
const vault = await openVault({
  serverBaseUrl,
  backend: sealedFile({ folder }),
  audit: memoryAudit(),
  warn: (message) => process.stdout.write(`${message}\n`),
})
process.stdout.write('ready\n')
process.stdin.resume()
process.stdin.once('end', () => void vault.close())
