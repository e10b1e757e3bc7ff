import type { Target } from '../target.ts'
import { configuration } from './configuration.ts'
import { identity } from './identity.ts'
import { links } from './links.ts'
import { outgoing } from './outgoing.ts'
import { pages } from './pages.ts'
import { sealed } from './sealed.ts'
import { store } from './store.ts'
import { vendors } from './vendors.ts'
import { web } from './web.ts'

export const TARGETS: readonly Target[] = [
  ...links,
  ...sealed,
  ...store,
  ...vendors,
  ...configuration,
  ...web,
  ...pages,
  ...identity,
  ...outgoing,
]
