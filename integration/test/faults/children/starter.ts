/** A process that starts servers and never stops them. */
import { answer } from '../../../faults/answer.ts'
import { startBinary } from '../../../servers/binary.ts'
import { startCluster } from '../../../servers/redis-cluster.ts'
import type { ServerKind } from '../../../servers/server.ts'

answer({
  start: async (kind: ServerKind) => (await startBinary(kind)).port,
  startCluster: async () => (await startCluster()).nodes.map((node) => node.pid),
  end: () => process.exit(),
})
