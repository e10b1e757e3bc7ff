import { CredentialVaultError } from '../../core/model/errors.ts'
import { storageKey } from '../../core/model/storage-key.ts'
import { missing } from '../../core/model/stored-values.ts'
import {
  credentialName,
  noSuchCredential,
  ownerFromInput,
  ownerOptions,
  withOperatorAccess,
} from '../operator/operator-access.ts'
import { providerFromInput } from '../operator/provider-option.ts'
import type { Command } from '../terminal/command.ts'

export const rollback: Command = {
  name: 'rollback',
  summary: 'use a credential again that its service had rejected',
  parameters: [],
  options: { provider: { type: 'string' }, ...ownerOptions, 'dry-run': { type: 'boolean' } },
  help: `
Usage: mcp-credential-vault rollback --provider NAME --issuer URL --subject SUBJECT [--dry-run] [--json]

Takes back the mark that a service rejected this credential, for a rejection that was a mistake of the service or of a gateway.
The rejected value was kept; the next call uses it. If the service rejects it again, the mark returns.
Changes nothing when the credential is not marked (0). Ends with 3 when it is absent or revoked, and with 1 when the backend stores no marks.

  --dry-run   only show whether it is marked
`,
  run: (input, terminal) => {
    const key = storageKey(providerFromInput(input), ownerFromInput(input))
    return withOperatorAccess(terminal, async ({ credentials, context, cacheNotice }) => {
      if (input.flag('dry-run')) await credentials.record(key, context, { type: 'admin.shown', outcome: 'success' })
      const status = await credentials.status(key, context)
      if (status.status === 'absent') throw noSuchCredential(key)
      if (status.status === 'revoked') throw missing('revoked', key.provider)
      const { version, labels } = status
      // A backend that stores no marks shows none, so "not marked" would be wrong.
      if (!credentials.storesMarks) throw noMarks(credentials.backendName)
      const change = labels?.rejectedAt !== undefined
      const done = change && !input.flag('dry-run')
      if (done && !(await credentials.reinstate(key, version, context))) throw changedMeanwhile(key.provider)
      const shown = {
        provider: key.provider,
        ...key.owner,
        version: version.label,
        ...(labels?.rejectedAt && { rejectedAt: labels.rejectedAt.toISOString() }),
        reinstated: done,
        dryRun: input.flag('dry-run'),
      }
      const name = credentialName(key)
      const text = !change
        ? `Nothing was changed: ${name} is not marked as rejected.\n`
        : `${done ? 'Rolled back' : 'Would roll back'} the rejection of ${name}: version ${version.label}, rejected ${shown.rejectedAt}.\n${done ? cacheNotice : ''}`
      terminal.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : text)
      return 0
    })
  },
}

function noMarks(backend: string): CredentialVaultError {
  return new CredentialVaultError(
    'unsupported',
    `The ${backend} backend stores no marks of rejections. Each running server keeps its own until it restarts: restart it to use the credential again.`,
  )
}

function changedMeanwhile(provider: string): CredentialVaultError {
  return new CredentialVaultError(
    'conflict',
    `The credential for ${provider} was changed at the same time, so nothing was rolled back.`,
    { provider },
  )
}
