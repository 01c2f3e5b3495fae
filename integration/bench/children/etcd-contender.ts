// One of the processes that contend for one lock in the `etcd` benchmark.
import { open } from '../etcd/open.ts'
import { contendAs } from './contend-as.ts'

await contendAs(open)
