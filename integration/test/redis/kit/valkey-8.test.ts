import { runKitOn } from '../../run-kit.ts'

await runKitOn('valkey', '8.1', () => import('./targets/valkey-8.ts'))
