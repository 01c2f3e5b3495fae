import { runKitOn } from '../../run-kit.ts'

await runKitOn('redis', '8.0', () => import('./targets/redis-8.ts'))
