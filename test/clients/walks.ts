import { inspectorWalks } from './inspector-walks.ts'
import { pythonWalks } from './python-walks.ts'
import { sdk1Walks } from './sdk-1-walks.ts'
import { sdk2Walks } from './sdk-2-walks.ts'
import type { Walk } from './walk.ts'

/** Every walk by its heading in docs/clients.md, in the page's order. */
export const WALKS: Readonly<Record<string, readonly Walk[]>> = {
  'SDK 2.x': sdk2Walks,
  'SDK 1.x': sdk1Walks,
  Python: pythonWalks,
  'MCP Inspector': inspectorWalks,
}
