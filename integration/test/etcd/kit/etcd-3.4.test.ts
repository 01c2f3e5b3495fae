import { runKitOn } from './run-kit-on.ts'

await runKitOn('3.4', () => import('./targets/etcd-3.4.ts'))
