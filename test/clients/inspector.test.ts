import { expectWalks } from './expect-walks.ts'
import { inspectorWalks } from './inspector-walks.ts'

expectWalks(inspectorWalks)
