import { join } from 'node:path'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { isCredentialVaultError } from '../../../src/core/model/errors.ts'
import { openVault } from '../../../src/vault/open-vault.ts'

/** Opens each part that reads a key file. Arguments: the key file and a folder. Prints what they say, as JSON. */
const [keyFile = '', folder = ''] = process.argv.slice(2)

async function outcome(work: (warn: (message: string) => void) => Promise<unknown>) {
  const warnings: string[] = []
  try {
    await work((message) => void warnings.push(message))
    return { warnings }
  } catch (error) {
    if (!isCredentialVaultError(error)) throw error
    return { error: { code: error.code, message: error.message }, warnings }
  }
}

const said = {
  store: await outcome((warn) => sealedFile({ folder: join(folder, 'store'), keyFile, warn }).open()),
  'audit log': await outcome(async (warn) => {
    const audit = jsonLinesAudit({ folder: join(folder, 'audit'), keyFile, warn })
    await audit.open?.(undefined)
    await audit.close()
  }),
  'web key': await outcome(async (warn) => {
    process.env['MCP_WEB_KEY_FILE'] = keyFile
    const audit = jsonLinesAudit({ folder: join(folder, 'web'), warn: () => {} })
    const vault = await openVault({
      serverBaseUrl: 'http://localhost:8005',
      backend: memoryBackend(),
      audit,
      // Its banner about the local user is another matter.
      warn: (message) => void (message.includes(keyFile) && warn(message)),
    })
    await vault.close()
  }),
}
process.stdout.write(JSON.stringify(said))
