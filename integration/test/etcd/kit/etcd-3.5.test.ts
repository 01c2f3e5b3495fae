import { runKitOn } from './run-kit-on.ts'

await runKitOn('3.5', () => import('./targets/etcd-3.5.ts'))
