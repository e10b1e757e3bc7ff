import { bearerGate } from './requirements/bearer-gate.ts'
import { browserLogin } from './requirements/browser-login.ts'
import { clientLogin } from './requirements/client-login.ts'
import { formAndCookies } from './requirements/form-and-cookies.ts'
import { loggingAndErrors } from './requirements/logging-and-errors.ts'
import { aisvs, elicitation, resourceServer } from './requirements/mcp.ts'
import { elicitation2026 } from './requirements/mcp-2026-elicitation.ts'
import { authorization2026, server2026 } from './requirements/mcp-2026-server.ts'
import { transport2026 } from './requirements/mcp-2026-transport.ts'
import { registration2026, utilities2026 } from './requirements/mcp-2026-utilities.ts'
import { outboundAndAvailability } from './requirements/outbound-and-availability.ts'
import type { Chapter } from './requirements/requirement.ts'
import { sep1036 } from './requirements/sep-1036.ts'
import { storageAndCryptography } from './requirements/storage-and-cryptography.ts'
import { supplyChainAndConfiguration } from './requirements/supply-chain-and-configuration.ts'

/** What published standards ask of a server that collects secrets on a form of its own, and what shows that it is done. */
export const chapters: readonly Chapter[] = [
  elicitation,
  sep1036,
  resourceServer,
  elicitation2026,
  transport2026,
  server2026,
  utilities2026,
  authorization2026,
  registration2026,
  aisvs,
  bearerGate,
  browserLogin,
  clientLogin,
  formAndCookies,
  storageAndCryptography,
  outboundAndAvailability,
  loggingAndErrors,
  supplyChainAndConfiguration,
]
