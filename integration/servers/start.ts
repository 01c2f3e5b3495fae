import { startBinary } from './binary.ts'
import { startContainer } from './container.ts'
import type { Server, ServerKind } from './server.ts'
import { sourceOf, sourcesOf } from './versions.ts'

/**
 * Starts a server: in a container where a Docker engine is reachable and has the image, else the program on the PATH.
 * `version` is one of `available(kind)`; without it the first of these is taken. Rejects if that version can not be
 * had here, with what to install.
 */
export async function startServer(kind: ServerKind, version?: string): Promise<Server> {
  const sources = version === undefined ? await sourcesOf(kind) : [await sourceOf(kind, version)]
  const source = sources.find((one) => !('missing' in one)) ?? sources[0]
  if (source === undefined || 'missing' in source) {
    throw new Error(`no ${kind} ${version ?? ''}: ${source?.missing}`)
  }
  return 'image' in source ? startContainer(kind, source.image) : startBinary(kind)
}
