import type { Flow } from './flow.ts'
import { asking } from './flows/asking.ts'
import { fetching } from './flows/fetching.ts'
import { form } from './flows/form.ts'
import { holders } from './flows/holders.ts'
import { identity } from './flows/identity.ts'
import { operator } from './flows/operator.ts'
import { saving } from './flows/saving.ts'
import { server } from './flows/server.ts'
import { tools } from './flows/tools.ts'

/** Everything that the product does with secrets, and everything that goes wrong with them. */
export const flows: readonly Flow[] = [
  ...asking,
  ...form,
  ...saving,
  ...tools,
  ...fetching,
  ...identity,
  ...operator,
  ...server,
  ...holders,
]
