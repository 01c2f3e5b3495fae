import { runKitOn } from './run-kit.ts'

await runKitOn('3.5', () => import('./targets/etcd-3.5.ts'))
