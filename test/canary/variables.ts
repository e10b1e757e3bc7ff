import type { VariablesOptions } from '../../src/core/model/variables.ts'

/** One field for each kind of secret, so that every flow that types something types all of them. */
export const canaryVariables = {
  long: { label: 'Long', type: 'password' },
  pem: { label: 'Key in several lines', type: 'textarea' },
  quotes: { label: 'Quotes', type: 'password' },
  html: { label: 'Markup', type: 'password' },
  unicode: { label: 'Other scripts', type: 'password' },
  percent: { label: 'Percent signs', type: 'password' },
  backslash: { label: 'Backslashes', type: 'password' },
  short: { label: 'Short', type: 'password' },
  /** For what can be wrong with a value. */
  strict: { label: 'Strict', type: 'password', required: false, pattern: /STRICT-\d+/, maxLength: 60 },
  secretUrl: { label: 'Secret address', type: 'url', required: false, secret: true, allowedHosts: ['*.example.com'] },
} as const satisfies VariablesOptions
