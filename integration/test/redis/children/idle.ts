/** Uses a backend on a client, closes the client but not the backend, and has nothing more to do. */
import { Lock } from '@locks/core'
import { redisBackend } from '@locks/redis'
import { tell } from '../../../faults/answer.ts'
import { clients, type Ways } from '../kit/clients.ts'

const [, , family, ways] = process.argv
const open = clients[family as keyof typeof clients]
const opened = await Promise.all([1, 2].map(() => open(JSON.parse(ways as string) as Ways)))
const [one, other] = opened.map(({ client }) => new Lock('idle', { backend: redisBackend(client) }))

const lease = await one?.acquire()
const waiting = other?.acquire()
while ((await one?.inspect())?.waiters !== 1);
await lease?.release()
await (await waiting)?.release()
tell('used')
for (const { end } of opened) await end()
