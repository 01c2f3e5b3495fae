import { startBinary } from './binary.ts'
import { startContainer } from './container.ts'
import type { Server, ServerKind, TestedKind } from './server.ts'
import { sourceOf, sourcesOf } from './versions.ts'

/**
 * Starts a server: in a container where a Docker engine is reachable and has the image, else the program on the PATH.
 * `version` is one of `available(kind)`; without it the first of these is taken. Rejects if it cannot be had here,
 * telling what to install.
 */
export async function startServer(kind: ServerKind, version?: string): Promise<Server> {
  const image = await imageToStart(kind, version)
  return image === undefined ? startBinary(kind) : startContainer(kind, image)
}

/** The image to start; undefined: the program. Rejects, telling what to install, if there is neither. */
export async function imageToStart(kind: TestedKind, version?: string): Promise<string | undefined> {
  const sources = version === undefined ? await sourcesOf(kind) : [await sourceOf(kind, version)]
  const source = sources.find((one) => !('missing' in one)) ?? sources[0]
  if (source === undefined) throw new RangeError(`there is no version of ${kind} to start`)
  if ('missing' in source) throw new Error(`no ${kind} ${source.version}: ${source.missing}; ${source.help}`)
  return 'image' in source ? source.image : undefined
}
