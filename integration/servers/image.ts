import type { ContainerRuntimeClient } from 'testcontainers'
import { ImageName } from 'testcontainers'
import type { TestedKind } from './server.ts'

/** The official image of a minor version, where it needs no registry's name (etcd's does) and has all programs. */
const official: Readonly<Record<TestedKind, ((version: string) => string) | undefined>> = {
  redis: (version) => `redis:${version}`,
  valkey: (version) => `valkey/valkey:${version}`,
  memcached: (version) => `memcached:${version}`,
  etcd: undefined,
  k8s: undefined,
}

/** The environment variable that names another image: `LOCKS_TEST_IMAGE_REDIS_7_0`. */
export function imageVariable(kind: TestedKind, version: string): string {
  return `LOCKS_TEST_IMAGE_${kind}_${version}`.toUpperCase().replace(/\W/g, '_')
}

/** The image that the variable names, else the official one; undefined if there is neither. */
export function imageOf(kind: TestedKind, version: string): string | undefined {
  return process.env[imageVariable(kind, version)] || official[kind]?.(version)
}

const asked = new Map<string, Promise<string | undefined>>()

/** Pulls an image that is not here yet. Resolves with the reason if it cannot be had. */
export function obtainImage(engine: ContainerRuntimeClient, image: string): Promise<string | undefined> {
  let answer = asked.get(image)
  if (answer === undefined) {
    answer = obtain(engine, image).catch(({ message }: Error) =>
      message
        .replace(/^\(HTTP code \d+\)[^-]*- /, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )
    asked.set(image, answer)
  }
  return answer
}

async function obtain(engine: ContainerRuntimeClient, image: string): Promise<undefined> {
  const name = ImageName.fromString(image)
  if (await engine.image.exists(name)) return
  // A registry that cannot be reached is noticed by a small question much earlier than by a pull.
  await within(10_000, engine.container.dockerode.getImage(image).distribution())
  await within(5 * 60_000, engine.image.pull(name))
  if (!(await engine.image.exists(name))) throw new Error('the engine did not get it')
}

async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const expired = Promise.withResolvers<never>()
  const timer = setTimeout(() => expired.reject(new Error(`no answer in ${milliseconds / 1000} s`)), milliseconds)
  try {
    return await Promise.race([work, expired.promise])
  } finally {
    clearTimeout(timer)
  }
}
