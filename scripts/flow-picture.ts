// Draws the README's picture of one collection, in light and dark: docs/images/flow-light.svg and flow-dark.svg.
import { writeFileSync } from 'node:fs'
import { FLOW_COLOURS, flowPicture } from './flow-picture/drawing.ts'

for (const name of Object.keys(FLOW_COLOURS) as (keyof typeof FLOW_COLOURS)[])
  writeFileSync(`docs/images/flow-${name}.svg`, flowPicture(name))
