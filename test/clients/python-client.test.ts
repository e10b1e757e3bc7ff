import { expectWalks } from './expect-walks.ts'
import { pythonWalks } from './python-walks.ts'

expectWalks(pythonWalks)
