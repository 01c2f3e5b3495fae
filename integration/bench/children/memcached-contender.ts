// One of the processes that contend for one lock in the `memcached` benchmark.
import { open } from '../memcached/open.ts'
import { contendAs } from './contend-as.ts'

await contendAs(open)
