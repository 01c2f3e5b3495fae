export type { IoredisLike } from './client/ioredis.ts'
export type { NodeRedisClusterLike, NodeRedisLike, NodeRedisSentinelLike } from './client/node-redis.ts'
export type { RedisBackendOptions, RedisClient, RedisNode } from './options.ts'
export { redisBackend } from './redis-backend.ts'
