import { expect, test } from 'vitest'
import { gateTexts } from '../../../src/core/gate/gate-texts.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'

const url = 'https://mcp.example.com/credentials/jira/entry?t=abc'
const outage = new CredentialVaultError('unavailable', 'for operators only')
const soon = new Date('2026-11-28T10:00:00Z')

/** Each text that a user may be told in place of a result, with a link or without. */
const WITH_LINK: Readonly<Record<string, string>> = {
  absent: gateTexts.openLink('Jira', 'absent', { url, hasLogin: true }),
  revoked: gateTexts.openLink('Jira', 'revoked', { url, hasLogin: true }),
  rejected: gateTexts.openLink('Jira', 'rejected', { url, hasLogin: true }),
  expired: gateTexts.openLink('Jira', 'expired', { url, hasLogin: true }),
  incomplete: gateTexts.openLink('Jira', 'incomplete', { url, hasLogin: true }),
  'on this machine': gateTexts.openLink('Jira', 'absent', { url, hasLogin: false }),
  'still waiting': gateTexts.stillWaiting('Jira', url),
  stopping: gateTexts.stopping('Jira', { url, outlivesProcess: true }),
  dismissed: gateTexts.dismissed('Jira', url),
  malformed: gateTexts.malformed('Jira', { url, hasLogin: true }),
}
const WITHOUT_LINK: Readonly<Record<string, string>> = {
  'stopping for good': gateTexts.stopping('Jira', { url, outlivesProcess: false }),
  stopped: gateTexts.stopped(),
  declined: gateTexts.declined('Jira'),
  cancelled: gateTexts.cancelled('Jira'),
  expired: gateTexts.expired('Jira'),
}
const OTHERS: Readonly<Record<string, string>> = {
  unavailable: gateTexts.unavailable('Jira', outage),
  forbidden: gateTexts.forbidden('Jira', outage, 'id'),
  broken: gateTexts.broken('Jira', outage, 'id'),
  unknownOwner: gateTexts.unknownOwner(),
  withheld: gateTexts.withheld(['Jira']),
  expiresSoon: gateTexts.expiresSoon('Jira', soon, soon, url),
  question: gateTexts.ask('Jira', 'absent'),
}

test.each(Object.entries(WITH_LINK))('%s: says what happened, ends with one link, and says to ask again', (_, text) => {
  expect(text).toMatch(/^(This|Your|The|Jira) [^:]*\. .*, and then ask me again: https:\S+$/)
  expect(text.split('https:')).toHaveLength(2)
})

test.each(Object.entries(WITHOUT_LINK))('%s: says what happened, and to ask again', (_, text) => {
  expect(text).toMatch(/\. Ask me again( in a moment)?( to get a new link)?\.$/)
  expect(text).not.toContain('http')
})

test.each(Object.entries({ ...WITH_LINK, ...WITHOUT_LINK, ...OTHERS }))(
  '%s: is true of prompts and resources too, and quotes nothing of the error',
  (_, text) => {
    expect(text).not.toMatch(/\btools?\b/i)
    expect(text).not.toContain('operators only')
  },
)
