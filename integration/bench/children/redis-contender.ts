// One of the processes that contend for one lock in the `redis` benchmark.
import { open } from '../redis/open.ts'
import { contendAs } from './contend-as.ts'

await contendAs(open)
