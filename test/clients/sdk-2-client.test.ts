import { expectWalks } from './expect-walks.ts'
import { sdk2Walks } from './sdk-2-walks.ts'

expectWalks(sdk2Walks)
