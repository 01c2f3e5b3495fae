import { runKitOn } from '../../run-kit.ts'

await runKitOn('memcached', '1.6.18', () => import('./targets/memcached-1.6.18.ts'))
