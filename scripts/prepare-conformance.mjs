// What npm run conformance needs: the suite, and the Node that it runs on.
import { bringConformance } from './bring-conformance.mjs'
import { bringNode } from './bring-node.mjs'

await bringConformance()
await bringNode(['22'])
