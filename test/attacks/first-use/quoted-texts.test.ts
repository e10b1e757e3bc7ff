import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { gateTexts } from '../../../src/core/gate/gate-texts.ts'

const page = readFileSync('docs/clients.md', 'utf8').replace(/\s+/g, ' ')

test.each([
  ['the question', gateTexts.ask('Ticket Service', 'absent')],
  ['the link as text', gateTexts.openLink('Ticket Service', 'absent', { url: '*link*', hasLogin: true })],
  ['a refusal', gateTexts.declined('Ticket Service')],
])('the page of clients quotes %s as the gate says it', (_name, text) => {
  expect(page).toContain(text)
})
