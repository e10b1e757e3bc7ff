import { expectWalks } from './expect-walks.ts'
import { sdk1Walks } from './sdk-1-walks.ts'

expectWalks(sdk1Walks)
